//! Planes to RGBA, for previews, golden pictures and people.

use super::rgba::{KB, KR};
use engine::frame::{Plane, VideoFrame};

/// Converts a frame to straight RGBA rows without padding; `I420` gets alpha 255. Chroma is interpolated linearly from its true place
/// (on even columns, between two rows), colours outside sRGB are clipped.
pub fn frame_to_rgba(frame: &VideoFrame) -> Vec<u8> {
    let picture = &frame.picture;
    let (width, height) = (frame.size().width as usize, frame.size().height as usize);
    let (luma, u, v) = (picture.plane(0), picture.plane(1), picture.plane(2));
    let alpha = (picture.layout().planes() == 4).then(|| picture.plane(3));
    let mut rgba = vec![255; width * height * 4];
    let (mut u_row, mut v_row) = (vec![0.0; width], vec![0.0; width]);
    for (y, out) in rgba.chunks_exact_mut(width * 4).enumerate() {
        upsample(u, y, &mut u_row);
        upsample(v, y, &mut v_row);
        let luma = &luma.data[y * luma.stride..][..width];
        for (x, out) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let [r, g, b] = to_rgb(f32::from(luma[x]), u_row[x], v_row[x]);
            *out = [r, g, b, out[3]];
        }
        if let Some(alpha) = alpha {
            let alpha = &alpha.data[y * alpha.stride..][..width];
            for (out, &a) in out.as_chunks_mut::<4>().0.iter_mut().zip(alpha) {
                out[3] = a;
            }
        }
    }
    rgba
}

/// One luma row's worth of a chroma plane, around zero.
fn upsample(plane: Plane<'_>, y: usize, out: &mut [f32]) {
    let (cells, rows) = (plane.size.width as usize, plane.size.height as usize);
    let near = y / 2;
    let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(rows - 1) };
    let at = |i: usize| {
        let i = i.min(cells - 1);
        0.75 * f32::from(plane.data[near * plane.stride + i]) + 0.25 * f32::from(plane.data[far * plane.stride + i]) - 128.0
    };
    for (i, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        *pair = [at(i), 0.5 * (at(i) + at(i + 1))];
    }
}

/// The inverse of the BT.709 matrix (ITU-R BT.709-6, items 3.2 to 3.4).
fn to_rgb(y: f32, u: f32, v: f32) -> [u8; 3] {
    let (kr, kb) = (KR as f32, KB as f32);
    let luma = (y - 16.0) * (255.0 / 219.0);
    let red = luma + v * (2.0 * (1.0 - kr) * 255.0 / 224.0);
    let blue = luma + u * (2.0 * (1.0 - kb) * 255.0 / 224.0);
    let green = (luma - kr * red - kb * blue) / (1.0 - kr - kb);
    [red, green, blue].map(|c| (c + 0.5).clamp(0.0, 255.0) as u8)
}
