//! The table on a terminal.

use super::figures::{Figures, History, millis, percent};
use crate::failure::Failure;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Cell, Paragraph, Row, Table};
use std::time::{Duration, Instant};

/// Eighths of a line's height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Shows the table until q or Ctrl-C; `Ok(Err(_))` when the figures can be had no more.
pub fn show(
    url: &str,
    every: Duration,
    history: &mut History,
    fetch: impl Fn() -> Result<Figures, Failure>,
) -> std::io::Result<Result<(), Failure>> {
    let mut terminal = ratatui::init();
    let result = (|| {
        let mut next = Instant::now() + every;
        loop {
            terminal.draw(|frame| draw(frame, url, history))?;
            if event::poll(next.saturating_duration_since(Instant::now()))? && ends(&event::read()?) {
                return Ok(Ok(()));
            }
            if Instant::now() >= next {
                next += every;
                match fetch() {
                    Ok(figures) => history.add(figures),
                    Err(failure) => return Ok(Err(failure)),
                }
            }
        }
    })();
    ratatui::restore();
    result
}

fn ends(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}

fn draw(frame: &mut Frame<'_>, url: &str, history: &History) {
    let [top, body] = Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(frame.area());
    frame.render_widget(Paragraph::new(format!("{url}   q ends")).style(Style::new().fg(Color::DarkGray)), top);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut rows = Vec::new();
    for (name, room) in &history.last.rooms {
        rows.push(Row::new([Cell::from(name.as_str()).style(bold), Cell::from(room.headline())]));
        for (node, figures) in &room.nodes {
            let course = history.course(name, node);
            let warns = figures.dropped > 0.0;
            rows.push(Row::new(vec![
                Cell::from(format!("  {node}")),
                Cell::from(figures.node_type.clone()),
                Cell::from(course.last().map_or_else(String::new, u64::to_string)),
                Cell::from(sparkline(&course)),
                Cell::from(percent(figures.busy)),
                Cell::from(millis(figures.p99)),
                Cell::from(format!("{:.0}", figures.depth)),
                Cell::from(format!("{:.0}", figures.dropped)).style(if warns { Style::new().fg(Color::Red) } else { Style::new() }),
            ]));
        }
    }
    let widths = [14, 44, 6, 60, 6, 10, 6, 8].map(Constraint::Max);
    let header = Row::new(["room, node", "type", "/s", "last minute", "busy", "p99", "waits", "dropped"]).style(bold);
    frame.render_widget(Table::new(rows, widths).header(header), body);
}

/// The course of a figure in one line.
fn sparkline(course: &[u64]) -> String {
    let most = course.iter().copied().max().unwrap_or(0).max(1);
    course.iter().map(|value| BARS[((value * 7 + most / 2) / most) as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn nodes_are_drawn_with_their_last_minute() {
        let mut history = History::default();
        let text = "lectern_node_packets_total{room=\"demo\",node=\"h264\",type=\"video_encoder\",port=\"out\"} ";
        for second in 0..5u32 {
            history.add(Figures::read(&format!("{text}{}\n", second * second * 10)));
        }
        let mut terminal = Terminal::new(TestBackend::new(140, 6)).unwrap();
        terminal.draw(|frame| draw(frame, "http://x", &history)).unwrap();
        let screen: String = terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        assert!(screen.contains("h264") && screen.contains("video_encoder") && screen.contains('█'), "{screen}");
    }
}
