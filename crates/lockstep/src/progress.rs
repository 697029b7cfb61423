//! How far a long run has come, told on stderr: a bar at a terminal, otherwise one line every few
//! seconds, so that the log of a machine shows life without being filled.
//!
//! Never on stdout, which carries results only, and never part of one: nothing here feeds back
//! into a run. A run shorter than the first interval leaves no line at all.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Stderr, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, style::TemplateError};

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Redraws of the bar per second at most.
const REDRAWS_HZ_MAX: u8 = 10;

/// The progress of one run towards a known total.
pub struct Progress {
    started: Instant,
    view: View,
}

enum View {
    Bar(ProgressBar),
    Lines(Lines<Stderr>),
}

impl Progress {
    /// Starts to show a run of `total` steps; `unit` is their plural noun ("blocks").
    pub fn start(label: &str, total: u64, unit: &str) -> Self {
        let stderr = std::io::stderr();
        let view = if stderr.is_terminal() {
            View::Bar(bar(label, total, unit))
        } else {
            View::Lines(Lines::new(stderr, label, total, unit))
        };
        Self { started: Instant::now(), view }
    }

    /// Tells how many steps are done.
    pub fn set(&mut self, done: u64) {
        match &mut self.view {
            View::Bar(bar) => bar.set_position(done),
            View::Lines(lines) => lines.set(done, self.started.elapsed()),
        }
    }

    /// Tells what the run is at ("21:14 UTC, 38 liquidations"); shown behind the numbers.
    pub fn note(&mut self, note: &str) {
        match &mut self.view {
            View::Bar(bar) => bar.set_message(one_line(note)),
            View::Lines(lines) => lines.note = one_line(note),
        }
    }

    /// Ends the display: the bar is wiped, so that the report begins on a clean line.
    pub fn finish(self) {
        if let View::Bar(bar) = self.view {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total: u64, unit: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_HZ_MAX);
    let bar = ProgressBar::with_draw_target(Some(total), target);
    // The template is fixed but for the unit, so this holds; without it a plain bar is shown.
    if let Ok(style) = style(unit) {
        bar.set_style(style);
    }
    bar.set_prefix(one_line(label));
    bar
}

fn style(unit: &str) -> Result<ProgressStyle, TemplateError> {
    // Braces would be read as part of the template.
    let unit: String = one_line(unit).chars().filter(|c| !matches!(c, '{' | '}')).collect();
    let template = format!(
        "{{prefix}}  {{bar:32}}  {{percent:>3}} %  {{human_pos}}/{{human_len}} {unit}  \
         {{per_sec:.dim}}  {{eta:.dim}} left  {{wide_msg:.dim}}"
    );
    Ok(ProgressStyle::with_template(&template)?.progress_chars("━╸─"))
}

/// A text without control characters, which could move the cursor of a terminal.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Writes a line now and then.
struct Lines<W> {
    to: W,
    label: String,
    unit: String,
    note: String,
    total: u64,
    next_at: Duration,
}

impl<W: Write> Lines<W> {
    fn new(to: W, label: &str, total: u64, unit: &str) -> Self {
        let (label, unit) = (one_line(label), one_line(unit));
        Self { to, label, unit, note: String::new(), total, next_at: LINE_INTERVAL }
    }

    fn set(&mut self, done: u64, elapsed: Duration) {
        if elapsed < self.next_at {
            return;
        }
        self.next_at = elapsed + LINE_INTERVAL;
        let line = self.line(done, elapsed);
        // A closed stderr must not end the run that it only tells about.
        let _ = writeln!(self.to, "{line}");
    }

    fn line(&self, done: u64, elapsed: Duration) -> String {
        let Self { label, unit, note, total, .. } = self;
        let mut line = format!("{label}: {done}/{total} {unit}");
        let tenths = u128::from(done) * 1_000 / u128::from((*total).max(1));
        let _ = write!(line, ", {}.{} %, {} s", tenths / 10, tenths % 10, elapsed.as_secs());
        if done > 0 && done < *total {
            let left = u128::from(total - done) * elapsed.as_millis() / u128::from(done) / 1_000;
            let _ = write!(line, ", about {left} s left");
        }
        if !note.is_empty() {
            let _ = write!(line, ", {note}");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use indicatif::TermLike;

    use super::*;

    fn told(steps: &[(u64, u64)], note: &str) -> Vec<String> {
        let mut written = Vec::new();
        let mut lines = Lines::new(&mut written, "replay", 200, "blocks");
        lines.note = one_line(note);
        for &(done, elapsed_ms) in steps {
            lines.set(done, Duration::from_millis(elapsed_ms));
        }
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_short_run_says_nothing() {
        assert_eq!(told(&[(1, 0), (100, 2_000), (200, 4_999)], ""), [""; 0]);
    }

    #[test]
    fn a_long_run_says_a_line_per_interval() {
        let lines = told(&[(1, 10), (50, 5_000), (60, 6_000), (99, 9_999), (200, 10_000)], "");
        let expected = [
            "replay: 50/200 blocks, 25.0 %, 5 s, about 15 s left",
            "replay: 200/200 blocks, 100.0 %, 10 s",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_note_stays_on_its_line() {
        let lines = told(&[(0, 7_000)], "21:14 UTC\r\n\x1b[2J");
        assert_eq!(lines, ["replay: 0/200 blocks, 0.0 %, 7 s, 21:14 UTC[2J"]);
    }

    #[test]
    fn a_run_of_nothing_does_not_divide_by_it() {
        let lines = Lines::new(Vec::new(), "replay", 0, "blocks");
        assert_eq!(lines.line(0, Duration::ZERO), "replay: 0/0 blocks, 0.0 %, 0 s");
    }

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            120
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_bar_tells_where_the_run_is() {
        let paper = Paper::default();
        let bar = bar("replay", 2_000, "{blocks}");
        bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
        bar.set_message("21:14 UTC");
        bar.set_position(500);
        bar.tick();
        let drawn = paper.0.lock().unwrap().clone();
        let parts = ["replay  ━━━━━━━━╸───", " 25 %  500/2,000 blocks  ", "21:14 UTC"];
        for part in parts {
            assert!(drawn.contains(part), "{part:?} in {drawn:?}");
        }
    }
}
