#!/usr/bin/env python3
"""Makes lectern.pptx, the demo lesson: `python3 graphs/demo/make_deck.py [OUT]`.

Needs python-pptx 1.0.2, Pillow and `rsvg-convert`. The same versions give the same bytes. The corner at the lower right (28 % of the
width, 50 % of the height) stays free of content on every slide: the presenter stands there.
"""

import io
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Emu, Inches, Pt

ROOT = Path(__file__).resolve().parents[2]
DATE = (2026, 1, 1, 0, 0, 0)

INK, SOFT, PAPER, WHITE = "13203F", "5A6785", "F5F7FB", "FFFFFF"
NIGHT, TEAL, MINT, CORAL, AMBER, LINE = "0D1836", "0E9AA0", "DDF1F0", "F2645A", "F5A93B", "D5DCE8"
MONO = "Liberation Mono"

NOTES = {
    "title": "Welcome. This is Lectern. It turns slides and their speaker notes into a lecture, given by a talking presenter. You are "
    "watching one right now. Everything that you see and hear comes from a single PowerPoint file.",
    "parts": "A lecture has three parts. What you show is the slide. What you say are the speaker notes under it. And who says it is a "
    "presenter like me: drawn, not filmed, with a mouth that follows every sound.",
    "graph": "Behind it is one graph, written in one file. Speech drives the slides and the face. A scene puts them together, and encoders "
    "write them out. The graph is checked before the first frame is made, and every mistake is shown with its line and column.",
    "quick": "It is quick, too. Placing a presenter on a full HD picture takes a fraction of a millisecond, where common tools take six to "
    "twenty. And what was spoken once is kept. When you change one note, only its new sentences are spoken again.",
    "live": "The same graph runs live, too. [bullet: A film, made as fast as possible] Without a clock it makes a film, as fast as the machine "
    "can. [bullet: Live, in step with a clock] With one, the lecture goes to a browser, a LiveKit room or a stream. "
    "[bullet: Everybody gets the same] All of them get the same sound and the same picture.",
    "hidden": "This slide is hidden, so nobody hears this sentence.",
    "start": "Now it is your turn. Write your notes, run two commands, and press play. There is no account and no upload: everything runs on "
    "your own machine. Thank you for watching.",
}

# Milliseconds of CPU for one 1080p frame on one thread: keying the presenter and placing it on the slide.
PLACING = [("ffmpeg chromakey", 21.9), ("GStreamer alpha", 10.5), ("ffmpeg colorkey", 6.5), ("Lectern", 0.4)]


def color(value):
    return RGBColor.from_string(value)


def fill(shape, value, line=None, width=1.0):
    """Paints a shape flat, without the theme's outline and shadow."""
    if value is None:
        shape.fill.background()
    else:
        shape.fill.solid()
        shape.fill.fore_color.rgb = color(value)
    if line is None:
        shape.line.fill.background()
    else:
        shape.line.color.rgb = color(line)
        shape.line.width = Pt(width)
    plain(shape)
    shape._element.spPr.append(parse_xml(f"<a:effectLst {nsdecls('a')}/>"))
    return shape


def plain(shape):
    """Drops the theme's style: its shadow would come back in some programs."""
    for style in shape._element.findall(qn("p:style")):
        shape._element.remove(style)


def shadow(shape):
    """A soft shadow below a card."""
    old = shape._element.spPr.find(qn("a:effectLst"))
    new = parse_xml(
        f'<a:effectLst {nsdecls("a")}><a:outerShdw blurRad="228600" dist="63500" dir="5400000" algn="t" rotWithShape="0">'
        f'<a:srgbClr val="{INK}"><a:alpha val="14000"/></a:srgbClr></a:outerShdw></a:effectLst>'
    )
    shape._element.spPr.replace(old, new)
    return shape


def box(slide, x, y, w, h, value, kind=MSO_SHAPE.ROUNDED_RECTANGLE, radius=0.12, line=None, width=1.0):
    shape = slide.shapes.add_shape(kind, Inches(x), Inches(y), Inches(w), Inches(h))
    if kind == MSO_SHAPE.ROUNDED_RECTANGLE:
        shape.adjustments[0] = min(0.5, radius / min(w, h))
    return fill(shape, value, line, width)


def write(frame, lines, size=16, value=INK, bold=False, align=PP_ALIGN.LEFT, anchor=MSO_ANCHOR.TOP, font=None, spacing=None, gap=0):
    """Sets the text of a frame: a line is a text or a list of (text, options) runs."""
    frame.word_wrap = True
    frame.vertical_anchor = anchor
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    for index, line in enumerate(lines if isinstance(lines, list) else [lines]):
        paragraph = frame.paragraphs[0] if index == 0 else frame.add_paragraph()
        paragraph.alignment = align
        if spacing:
            paragraph.line_spacing = spacing
        if gap and index:
            paragraph.space_before = Pt(gap)
        for text, options in line if isinstance(line, list) else [(line, {})]:
            run = paragraph.add_run()
            run.text = text
            run.font.size = Pt(options.get("size", size))
            run.font.bold = options.get("bold", bold)
            run.font.color.rgb = color(options.get("color", value))
            if options.get("font", font):
                run.font.name = options.get("font", font)
            if "track" in options:
                run._r.get_or_add_rPr().set("spc", str(options["track"]))
    for run in frame._txBody.iter(qn("a:rPr")):
        run.set("lang", "en-US")


def text(slide, x, y, w, h, lines, **options):
    shape = slide.shapes.add_textbox(Inches(x), Inches(y), Inches(w), Inches(h))
    write(shape.text_frame, lines, **options)
    return shape


def label(shape, lines, **options):
    options = {"align": PP_ALIGN.CENTER, "anchor": MSO_ANCHOR.MIDDLE, **options}
    write(shape.text_frame, lines, **options)
    return shape


def arrow(slide, points, value=SOFT, width=2.0):
    """A line through points with a head at its end."""
    for index, (start, end) in enumerate(zip(points, points[1:])):
        line = slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *[Inches(v) for v in (*start, *end)])
        line.line.color.rgb = color(value)
        line.line.width = Pt(width)
        ends = line.line._get_or_add_ln()
        ends.set("cap", "rnd")
        plain(line)
        if index == len(points) - 2:
            ends.append(parse_xml(f'<a:tailEnd {nsdecls("a")} type="triangle" w="med" len="med"/>'))


def picture(slide, image, x, y, h, about, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    data.seek(0)
    shape = slide.shapes.add_picture(data, Inches(x), Inches(y), height=Inches(h))
    shape._element.nvPicPr.cNvPr.set("descr", about)
    return shape


def presenter(name, height):
    svg = ROOT / "plugins/presenters" / name / "rig.svg"
    png = subprocess.run(["rsvg-convert", "-h", str(height), str(svg)], check=True, capture_output=True).stdout
    return Image.open(io.BytesIO(png)).convert("RGBA")


def portrait(name, ground):
    """Head and shoulders in a circle."""
    figure = presenter(name, 900)
    tile = Image.new("RGBA", (640, 640), f"#{ground}")
    tile.alpha_composite(figure.crop((80, 40, 720, 680)))
    mask = Image.new("L", (1280, 1280))
    ImageDraw.Draw(mask).ellipse((0, 0, 1279, 1279), fill=255)
    tile.putalpha(mask.resize((640, 640), Image.LANCZOS))
    return tile.resize((320, 320), Image.LANCZOS)


def night_sky():
    """The ground of the first slide: light in a dark room, brightest where the presenter stands."""
    image = Image.new("RGB", (320, 180), f"#{NIGHT}")
    glow = ImageDraw.Draw(image)
    glow.ellipse((190, 70, 370, 250), fill="#1c8f97")
    glow.ellipse((240, 110, 340, 210), fill="#7fd0cc")
    glow.ellipse((-70, -90, 90, 30), fill="#243a7a")
    glow.ellipse((120, -80, 250, 10), fill="#1b2c63")
    image = image.filter(ImageFilter.GaussianBlur(34)).resize((1600, 900), Image.BICUBIC)
    return image


def waves(slide, x, y, value, heights=(0.3, 0.62, 1.0, 0.52, 0.8, 0.36), height=0.5, step=0.11, width=0.055):
    """The icon of sound: bars around a line."""
    for index, part in enumerate(heights):
        tall = part * height
        box(slide, x + index * step, y + (height - tall) / 2, width, tall, value, radius=width / 2)


def mark(slide, x, y, size):
    """Lectern's sign: a play button on a desk."""
    box(slide, x, y, size, size, TEAL, radius=size * 0.24)
    play = box(slide, x + size * 0.36, y + size * 0.2, size * 0.34, size * 0.36, WHITE, kind=MSO_SHAPE.ISOSCELES_TRIANGLE)
    play.rotation = 90
    box(slide, x + size * 0.2, y + size * 0.68, size * 0.6, size * 0.1, WHITE, radius=size * 0.05)


class Deck:
    def __init__(self):
        self.show = Presentation()
        self.show.slide_width, self.show.slide_height = Emu(12192000), Emu(6858000)
        layouts = self.show.slide_layouts
        self.layout = layouts.get_by_name("Title Only")
        for layout in list(layouts):
            if layout is not self.layout:
                layouts.remove(layout)
        # The template is 4:3; its placeholders move to our grid, footers go.
        for holder in (self.layout, self.show.slide_master):
            for shape in list(holder.placeholders):
                if shape.placeholder_format.type != 1:
                    shape._element.getparent().remove(shape._element)
        self.theme()

    def theme(self):
        part = self.show.slide_master.part.part_related_by(RT.THEME)
        xml = part.blob.decode()
        names = ["dk1", "lt1", "dk2", "lt2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "folHlink"]
        values = [INK, WHITE, NIGHT, PAPER, TEAL, CORAL, AMBER, SOFT, "5B6CD6", "7FD0CC", TEAL, SOFT]
        for name, value in zip(names, values):
            xml = re.sub(f"<a:{name}>.*?</a:{name}>", f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>', xml, flags=re.S)
        part._blob = re.sub(r'<a:clrScheme name="[^"]*">', '<a:clrScheme name="Lectern">', xml).encode()

    def slide(self, key, kicker, title, dark=False, transition="<p:fade/>"):
        slide = self.show.slides.add_slide(self.layout)
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = color(NIGHT if dark else PAPER)
        if dark:
            ground = picture(slide, night_sky(), 0, 0, 7.5, "", "JPEG", quality=90)
            ground.width, ground.height = self.show.slide_width, self.show.slide_height
        else:
            # A stage for the presenter: two rings, cut by the edges of the slide.
            box(slide, 9.55, 4.2, 4.9, 4.9, MINT, kind=MSO_SHAPE.OVAL)
            box(slide, 10.15, 4.8, 3.7, 3.7, "CBE8E6", kind=MSO_SHAPE.OVAL)
            text(slide, 0.75, 0.5, 9, 0.3, [[(kicker.upper(), {"track": 200})]], size=13, value=TEAL, bold=True)
            number = len(self.show.slides)
            box(slide, 0.75, 7.06, 0.32, 0.05, TEAL, radius=0.02)
            text(slide, 1.18, 6.96, 3, 0.25, [[("Lectern", {"bold": True, "color": INK}), (f"   {number}", {})]], size=11, value=SOFT)
        head = slide.shapes.title
        head.left, head.top, head.width, head.height = Inches(0.75), Inches(0.8), Inches(11.8), Inches(0.75)
        if title:
            write(head.text_frame, title, size=38, bold=True, anchor=MSO_ANCHOR.TOP)
        # The title is first for readers and last for painters: bring it before everything that is drawn over the ground.
        slide.shapes._spTree.append(head._element)
        slide.notes_slide.notes_text_frame.text = NOTES[key]
        for run in slide.notes_slide.notes_text_frame._txBody.iter(qn("a:r")):
            run.get_or_add_rPr().set("lang", "en-US")
        if transition:
            slide._element.append(parse_xml(f'<p:transition {nsdecls("p")} spd="fast">{transition}</p:transition>'))
        return slide

    def save(self, path):
        core = self.show.core_properties
        core.title, core.author, core.last_modified_by, core.language = "Lectern", "Lectern", "Lectern", "en-US"
        core.created = core.modified = datetime(*DATE)
        core.revision = 1
        data = io.BytesIO()
        self.show.save(data)
        with zipfile.ZipFile(data) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
            for name in source.namelist():
                # The template brings a thumbnail of another deck, and the chart a workbook with today's date.
                content = source.read(name)
                if name.endswith(".xlsx"):
                    content = undated(content)
                target.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)


def undated(workbook):
    """An embedded workbook without the time it was made at."""
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", source.read(name))
            target.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def title_slide(deck):
    slide = deck.slide("title", "", "", dark=True, transition=None)
    mark(slide, 0.9, 0.85, 0.72)
    head = slide.shapes.title
    head.left, head.top, head.width, head.height = Inches(0.85), Inches(1.85), Inches(8), Inches(1.35)
    write(head.text_frame, "Lectern", size=88, value=WHITE, bold=True)
    text(slide, 0.9, 3.35, 8.4, 1.2, ["Slides and speaker notes in.", "A lecture by a talking presenter out."], size=30, value="C9D6F2", spacing=1.05)
    steps = [("lectern.pptx", "slides and notes"), ("one graph", "speech, face, scene"), ("lecture.mp4", "chapters, captions")]
    for index, (name, what) in enumerate(steps):
        x = 0.9 + index * 2.85
        card = box(slide, x, 5.35, 2.3, 1.0, "1B2A55", radius=0.14, line="3A4E86", width=1)
        label(card, [[(name, {"bold": True, "size": 17, "color": WHITE})], [(what, {"size": 13, "color": "AEBFE6"})]])
        if index:
            arrow(slide, [(x - 0.47, 5.85), (x - 0.1, 5.85)], "7FD0CC", 2.25)


def parts_slide(deck):
    slide = deck.slide("parts", "What it needs", "A lecture has three parts")
    cards = [
        (TEAL, "What you show", "The slide, as your own program draws it"),
        (CORAL, "What you say", "The speaker notes, spoken word for word"),
        (AMBER, "Who says it", "A drawn presenter, in step with the voice"),
    ]
    for index, (accent, head, body) in enumerate(cards):
        x = 0.75 + index * 4.0
        shadow(box(slide, x, 1.85, 3.78, 1.5, WHITE, radius=0.16))
        if index == 0:
            box(slide, x + 0.3, 2.23, 1.0, 0.74, "DDF1F0", radius=0.07)
            box(slide, x + 0.42, 2.37, 0.5, 0.08, accent, radius=0.03)
            for row, width in enumerate((0.76, 0.76, 0.45)):
                box(slide, x + 0.42, 2.55 + row * 0.12, width, 0.05, "9CCFCF", radius=0.02)
        elif index == 1:
            box(slide, x + 0.33, 2.13, 0.94, 0.94, "FDE3E0", kind=MSO_SHAPE.OVAL)
            waves(slide, x + 0.5, 2.35, accent)
        else:
            picture(slide, portrait("henrik", "FCE8CB"), x + 0.33, 2.13, 0.94, "Henrik, one of the presenters")
        text(slide, x + 1.5, 2.13, 2.2, 0.4, head, size=20, bold=True)
        text(slide, x + 1.5, 2.51, 2.2, 0.7, body, size=15, value=SOFT, spacing=0.98)
    for x in (4.64, 8.64):
        label(box(slide, x - 0.19, 2.41, 0.38, 0.38, INK, kind=MSO_SHAPE.OVAL), "+", size=18, bold=True, value=WHITE)
    arrow(slide, [(2.9, 3.55), (2.9, 4.1)], TEAL, 2.75)
    # The result: a player with a slide and a presenter in it.
    shadow(box(slide, 0.75, 4.32, 4.3, 2.42, NIGHT, radius=0.14))
    box(slide, 0.87, 4.44, 4.06, 1.92, WHITE, radius=0.06)
    box(slide, 1.12, 4.72, 1.5, 0.16, INK, radius=0.05)
    for row, width in enumerate((1.9, 1.7, 1.8)):
        box(slide, 1.12, 5.06 + row * 0.2, width, 0.08, LINE, radius=0.03)
    for column, (tall, value) in enumerate(((0.25, "9CCFCF"), (0.4, "9CCFCF"), (0.3, "9CCFCF"), (0.5, TEAL))):
        box(slide, 1.12 + column * 0.3, 6.24 - tall, 0.2, tall, value, radius=0.03)
    figure = presenter("henrik", 600)
    picture(slide, figure, 3.44, 4.86, 1.5, "A presenter in the corner of the slide")
    play = box(slide, 0.97, 6.46, 0.15, 0.17, WHITE, kind=MSO_SHAPE.ISOSCELES_TRIANGLE)
    play.rotation = 90
    box(slide, 1.28, 6.52, 3.5, 0.06, "3A4E86", radius=0.03)
    box(slide, 1.28, 6.52, 1.4, 0.06, TEAL, radius=0.03)
    text(slide, 5.45, 4.4, 3.9, 0.4, "Out comes a lecture", size=22, bold=True)
    facts = ["Video with chapters and captions", "The same bytes from the same deck", "Edit a note and render again"]
    for index, fact in enumerate(facts):
        y = 5.02 + index * 0.52
        box(slide, 5.45, y + 0.07, 0.15, 0.15, (TEAL, CORAL, AMBER)[index], kind=MSO_SHAPE.OVAL)
        text(slide, 5.78, y - 0.02, 3.7, 0.35, fact, size=17)


def node(slide, x, y, name, what, accent, w=1.72, h=0.82):
    shadow(box(slide, x, y, w, h, WHITE, radius=0.1))
    box(slide, x, y + 0.14, 0.07, h - 0.28, accent, radius=0.03)
    text(slide, x + 0.2, y + 0.13, w - 0.25, 0.3, name, size=15, bold=True)
    text(slide, x + 0.2, y + 0.42, w - 0.25, 0.3, what, size=12, value=SOFT)


def graph_slide(deck):
    slide = deck.slide("graph", "How it works", "One graph, checked before it runs")
    top, mid, low = 1.85, 2.42, 2.99
    x = [0.75, 3.05, 5.35, 7.65, 9.95]
    out = 10.55
    for y in (top, low):
        arrow(slide, [(x[0] + 1.72, mid + 0.41), (x[1] - 0.29, mid + 0.41), (x[1] - 0.29, y + 0.41), (x[1] - 0.04, y + 0.41)])
        line = [(x[1] + 1.72, y + 0.41), (x[1] + 2.01, y + 0.41), (x[1] + 2.01, mid + 0.41), (x[2] - 0.04, mid + 0.41)]
        arrow(slide, line)
        arrow(slide, [(x[3] + 1.72, mid + 0.41), (x[3] + 2.3, mid + 0.41), (x[3] + 2.3, y + 0.41), (out - 0.04, y + 0.41)])
    arrow(slide, [(x[2] + 1.72, mid + 0.41), (x[3] - 0.04, mid + 0.41)])
    node(slide, x[0], mid, "speech", "notes to voice", CORAL)
    node(slide, x[1], top, "slides", "pages, fades", TEAL)
    node(slide, x[1], low, "avatar", "mouth and face", AMBER)
    node(slide, x[2], mid, "scene", "one picture", TEAL)
    node(slide, x[3], mid, "playout", "the only clock", INK)
    node(slide, out, top, "h264, aac", "a file", SOFT, w=2.03)
    node(slide, out, low, "cues", "captions, chapters", SOFT, w=2.03)
    shadow(box(slide, 0.75, 4.3, 8.45, 2.42, NIGHT, radius=0.14))
    for index, dot in enumerate((CORAL, AMBER, "38B58B")):
        box(slide, 1.0 + index * 0.22, 4.5, 0.12, 0.12, dot, kind=MSO_SHAPE.OVAL)
    key, word, plain, dim = {"color": "7FD0CC"}, {"color": "F8C471"}, {"color": "E6ECFA"}, {"color": "8FA1CC"}
    code = [
        [("avatar", key), (":", dim)],
        [("  type", key), (": ", dim), ("lip_sync", word)],
        [("  inputs", key), (": { ", dim), ("audoi", {"color": "FF8A80", "bold": True}), (": ", dim), ("speech.audio", plain), (", ", dim), ("cues", key), (": ", dim), ("speech.cues", plain), (" }", dim)],
    ]
    text(slide, 1.0, 4.8, 8.0, 0.95, code, size=15, font=MONO, spacing=1.05)
    error = [
        [("error ", {"color": "FF8A80", "bold": True}), ("lecture.yaml:22:15: node \"avatar\" has no input \"audoi\";", plain)],
        [("it has: audio, cues. ", plain), ("Did you mean \"audio\"?", {"color": "8CE0B8", "bold": True})],
    ]
    text(slide, 1.0, 5.86, 8.1, 0.7, error, size=14, font=MONO, spacing=1.05)


def quick_slide(deck):
    slide = deck.slide("quick", "Why it is quick", "Less work for every frame, and fewer frames")
    shadow(box(slide, 0.75, 1.85, 6.35, 4.88, WHITE, radius=0.16))
    text(slide, 1.05, 2.08, 5.8, 0.35, "Placing the presenter on the slide", size=19, bold=True)
    text(slide, 1.05, 2.44, 5.8, 0.3, "Milliseconds of CPU for one 1080p frame, one thread", size=13, value=SOFT)
    data = CategoryChartData()
    data.categories = [name for name, _ in PLACING]
    data.add_series("ms per frame", [value for _, value in PLACING])
    frame = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, Inches(0.95), Inches(2.8), Inches(5.95), Inches(3.8), data)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", "Bar chart: " + ", ".join(f"{name} {value} ms" for name, value in PLACING))
    chart = frame.chart
    chart.has_legend = chart.has_title = False
    chart.font.size, chart.font.color.rgb = Pt(14), color(INK)
    categories, values = chart.category_axis, chart.value_axis
    categories.reverse_order = True
    categories.format.line.fill.background()
    categories.has_major_gridlines = False
    categories.major_tick_mark = -4142
    values.visible = values.has_major_gridlines = False
    values.minimum_scale, values.maximum_scale = 0, 25
    plot = chart.plots[0]
    plot.gap_width = 55
    plot.has_data_labels = True
    labels = plot.data_labels
    labels.position, labels.number_format, labels.number_format_is_linked = XL_LABEL_POSITION.OUTSIDE_END, "0.0", False
    labels.font.size, labels.font.bold, labels.font.color.rgb = Pt(16), True, color(INK)
    for index in range(len(PLACING)):
        bar = plot.series[0].points[index].format.fill
        bar.solid()
        bar.fore_color.rgb = color(CORAL if index == len(PLACING) - 1 else "AEBBD2")
    shadow(box(slide, 7.4, 1.85, 5.18, 1.75, WHITE, radius=0.16))
    text(slide, 7.68, 2.06, 4.7, 0.35, "Edit one note, speak one note", size=19, bold=True)
    for index in range(10):
        new = index == 5
        tile = box(slide, 7.68 + index * 0.468, 2.62, 0.41, 0.3, CORAL if new else "CBE8E6", radius=0.05)
        label(tile, str(index + 1), size=12, bold=True, value=WHITE if new else "3E8085")
    text(slide, 7.68, 3.06, 4.7, 0.4, [[("slide 6 is new", {"color": CORAL, "bold": True}), (", nine come from the cache", {})]], size=14, value=SOFT)


def live_slide(deck):
    slide = deck.slide("live", "Where it goes", "The same graph, recorded or live")
    graph = box(slide, 0.75, 3.2, 1.95, 1.5, NIGHT, radius=0.16)
    shadow(graph)
    label(graph, [[("One graph", {"bold": True, "size": 20, "color": WHITE})], [("lecture.yaml", {"size": 13, "color": "AEBFE6"})]])
    # The right quarter is free: bullets come there, see the notes.
    lanes = [(1.85, "clock: offline", TEAL, "as fast as the machine can"), (4.35, "clock: live", CORAL, "while they watch")]
    box(slide, 2.7, 3.935, 0.36, 0.03, SOFT, kind=MSO_SHAPE.RECTANGLE)
    for y, name, accent, what in lanes:
        arrow(slide, [(3.05, 3.95), (3.05, y + 1.15), (3.38, y + 1.15)], accent, 2.5)
        shadow(box(slide, 3.42, y, 5.78, 2.3, WHITE, radius=0.16))
        tag = box(slide, 3.7, y + 0.2, 1.95, 0.4, accent, radius=0.2)
        label(tag, name, size=14, bold=True, value=WHITE, font=MONO)
        text(slide, 5.85, y + 0.26, 3.3, 0.3, what, size=14, value=SOFT)
    films = [("MP4", "H.264 and AAC"), ("Chapters", "one for each slide"), ("Captions", "in step with the voice"), ("Podcast", "two voices, as MP3")]
    rooms = [("Browser", "no server needed"), ("LiveKit", "a room for many"), ("HLS", "for large crowds"), ("RTMP", "to any platform")]
    for (y, *_), chips, value in zip(lanes, (films, rooms), (MINT, "FDE9E7")):
        for index, (name, what) in enumerate(chips):
            chip(slide, 3.7 + index % 2 * 2.66, y + 0.73 + index // 2 * 0.77, 2.54, name, what, value)


def chip(slide, x, y, w, name, what, value):
    box(slide, x, y, w, 0.69, value, radius=0.1)
    text(slide, x + 0.18, y + 0.08, w - 0.3, 0.3, name, size=15, bold=True)
    text(slide, x + 0.18, y + 0.36, w - 0.3, 0.3, what, size=12.5, value=SOFT)


def hidden_slide(deck):
    slide = deck.slide("hidden", "Backup", "This slide is hidden")
    text(slide, 0.75, 1.9, 8, 1, "Hidden slides stay in the deck and out of the lecture.", size=22, value=SOFT)
    slide._element.set("show", "0")


def start_slide(deck):
    slide = deck.slide("start", "Your turn", "Two commands, and press play", transition='<p:push dir="l"/>')
    commands = [("1", "make demo", "this lecture, from its own deck"), ("2", "make test", "every check, on your machine")]
    for index, (number, command, what) in enumerate(commands):
        x = 0.75 + index * 6.02
        shadow(box(slide, x, 1.85, 5.81, 1.75, NIGHT, radius=0.16))
        for dot, value in enumerate((CORAL, AMBER, "38B58B")):
            box(slide, x + 0.3 + dot * 0.24, 2.07, 0.13, 0.13, value, kind=MSO_SHAPE.OVAL)
        text(slide, x + 4.9, 1.98, 0.6, 0.3, number, size=14, bold=True, value="8FA1CC", align=PP_ALIGN.RIGHT)
        lines = [[("$ ", {"color": "7FD0CC", "bold": True}), (command, {"bold": True})], [(what, {"color": "8FA1CC", "size": 15})]]
        text(slide, x + 0.3, 2.42, 5.3, 1.0, lines, size=27, value=WHITE, font=MONO, gap=4)
    facts = [("No account", "nothing to sign up for", TEAL), ("No upload", "your slides stay with you", CORAL), ("Open source", "Apache-2.0", AMBER)]
    for index, (head, body, accent) in enumerate(facts):
        x = 0.75 + index * 2.9
        shadow(box(slide, x, 4.0, 2.66, 1.32, WHITE, radius=0.14))
        box(slide, x + 0.25, 4.26, 0.4, 0.07, accent, radius=0.03)
        text(slide, x + 0.25, 4.42, 2.3, 0.35, head, size=19, bold=True)
        text(slide, x + 0.25, 4.79, 2.3, 0.35, body, size=14, value=SOFT)
    own = box(slide, 0.75, 5.75, 8.46, 0.8, MINT, radius=0.14)
    label(own, [[("Then your own deck:   ", {}), ("lectern render talk.pptx", {"font": MONO, "bold": True, "size": 16})]], size=18)


def main():
    deck = Deck()
    for make in (title_slide, parts_slide, graph_slide, quick_slide, live_slide, hidden_slide, start_slide):
        make(deck)
    deck.save(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("lectern.pptx"))


if __name__ == "__main__":
    main()
