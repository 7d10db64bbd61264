//! A lesson of one plain slide with a title, for a text that comes without slides.

use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The lesson's folder; dropping it removes it.
pub struct Plain(TempDir);

impl Plain {
    /// Writes one below `folder`. The title is a name: no character of it means anything in a PDF.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(folder: &Path, title: &str, text: &str) -> io::Result<Plain> {
        fs::create_dir_all(folder)?;
        let own = tempfile::Builder::new().prefix("text-").tempdir_in(folder)?;
        fs::write(own.path().join("slide.pdf"), slide(title))?;
        let page = json!({ "document": "slide.pdf", "number": 1 });
        // JSON is YAML, too.
        let lesson = json!({ "version": 1, "id": title, "title": title, "slides": [{ "title": title, "page": page, "narration": text }] });
        fs::write(own.path().join("lesson.yaml"), lesson.to_string())?;
        Ok(Plain(own))
    }

    /// The lesson file.
    pub fn lesson(&self) -> PathBuf {
        self.0.path().join("lesson.yaml")
    }
}

/// A PDF of one page: the title at the left, as large as it may be beside the presenter, with a line below.
fn slide(title: &str) -> Vec<u8> {
    // Bold letters of Helvetica are about 0.62 of their size wide.
    let size = (1360.0 / (0.62 * title.len().max(1) as f64)).min(110.0);
    let content = format!(
        "0.965 0.973 0.984 rg 0 0 1600 900 re f 0.851 0.467 0.180 rg 120 470 140 8 re f \
        0.114 0.208 0.341 rg BT /F1 {size:.1} Tf 116 520 Td ({title}) Tj ET"
    );
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1600 900] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>".to_string(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>".to_string(),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_string(), String::new());
    for (index, object) in objects.iter().enumerate() {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = file.len();
    file += &format!("xref\n0 6\n0000000000 65535 f \n{places}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugins::lesson::{ImportOptions, Narration, import};

    #[test]
    fn a_text_becomes_a_lesson_and_its_folder_goes_with_it() {
        let home = tempfile::tempdir().unwrap();
        let text = "Hello \"all\": # of you,\n${env:HOME} - \u{1f600}.";
        let plain = Plain::write(&home.path().join("new"), "room_1-b", text).unwrap();
        let lesson = import(&plain.lesson(), &ImportOptions::default()).unwrap();
        assert_eq!((lesson.title.as_str(), lesson.slides.len()), ("room_1-b", 1));
        assert_eq!(lesson.slides[0].narration, Narration::Text(text.into()));
        drop(plain);
        assert_eq!(fs::read_dir(home.path().join("new")).unwrap().count(), 0);
    }
}
