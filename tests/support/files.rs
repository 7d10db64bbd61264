//! Small valid files, written by hand.

/// A PDF of so many pages of 16:9. Each draws `content` (PDF operators); "" = blank pages.
pub fn pdf(pages: usize, content: &str) -> Vec<u8> {
    pdf_with(pages, &[("", content.as_bytes())], "")
}

/// A PDF whose pages have the first of these streams as their content, and these `resources`. Streams are objects `pages + 3` and on.
pub fn pdf_with(pages: usize, streams: &[(&str, &[u8])], resources: &str) -> Vec<u8> {
    let kids: String = (0..pages).map(|index| format!("{} 0 R ", index + 3)).collect();
    let mut objects =
        vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>").into_bytes()];
    let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1600 900] /Resources << {resources} >> /Contents {} 0 R >>", pages + 3);
    objects.extend((0..pages).map(|_| page.clone().into_bytes()));
    for (dictionary, content) in streams {
        let head = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
        objects.push([&head, *content, b"\nendstream"].concat());
    }
    written(&objects)
}

/// A PDF of A4 in Helvetica. A page for each of these texts, line by line.
pub fn text_pdf(pages: &[String]) -> Vec<u8> {
    let kids: String = (0..pages.len()).map(|index| format!("{} 0 R ", 2 * index + 4)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    for (index, page) in pages.iter().enumerate() {
        let escaped = page.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        let lines: String = escaped.lines().map(|line| format!("({line}) Tj T*\n")).collect();
        let content = format!("BT /F1 14 Tf 60 770 Td 20 TL\n{lines}ET");
        let resources = "<< /Font << /F1 3 0 R >> >>";
        let head = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]";
        objects.push(format!("{head} /Resources {resources} /Contents {} 0 R >>", 2 * index + 5).into_bytes());
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes());
    }
    written(&objects)
}

/// The file of these objects, which are numbered from 1; the first is the catalogue.
fn written(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend([format!("{} 0 obj\n", index + 1).as_bytes(), object, b"\nendobj\n"].concat());
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|place| file.extend(format!("{place:010} 00000 n \n").bytes()));
    file.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes());
    file
}

/// A PNG file of this size with its header and no pixels.
pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        // PNG, annex D: CRC-32 over kind and content.
        let crc = [kind.as_slice(), content].concat().iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        });
        [&(content.len() as u32).to_be_bytes(), kind.as_slice(), content, &(!crc).to_be_bytes()].concat()
    }
    let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), &chunk(b"IDAT", &[]), &chunk(b"IEND", &[])].concat()
}
