//! Where results go: a report to the terminal, a page to a file, events to a file or stdout.

use crate::failure::Failure;
use crate::report::{Report, html, terminal};
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// How wide text is laid out, and whether it is coloured.
fn style(to_terminal: bool) -> terminal::Style {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let colour = to_terminal && std::env::var_os("NO_COLOR").is_none();
    terminal::Style { columns: columns.unwrap_or(terminal::Style::default().columns), colour }
}

/// Whether stdout takes colours.
pub fn colours() -> bool {
    style(std::io::stdout().is_terminal()).colour
}

/// Prints a report to stdout.
pub fn print(report: &Report) -> Result<(), Failure> {
    let stdout = std::io::stdout();
    let text = terminal::render(report, style(stdout.is_terminal()));
    write_text(stdout.lock(), &text)
}

/// Prints a report to stderr, when stdout carries events.
pub fn print_aside(report: &Report) -> Result<(), Failure> {
    let stderr = std::io::stderr();
    let text = terminal::render(report, style(stderr.is_terminal()));
    write_text(stderr.lock(), &text)
}

/// Writes a line to stdout.
pub fn line(text: &str) -> Result<(), Failure> {
    write_text(std::io::stdout().lock(), &format!("{text}\n"))
}

/// Writes a line to stderr; a closed one is no reason to stop.
#[cfg(feature = "network")]
pub fn aside(text: &str) {
    let _ = write_text(std::io::stderr().lock(), &format!("{text}\n"));
}

/// Writes a text to stdout.
pub fn text(text: &str) -> Result<(), Failure> {
    write_text(std::io::stdout().lock(), text)
}

fn write_text(mut to: impl Write, text: &str) -> Result<(), Failure> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(Failure::Output)
}

/// Writes a report as a web page.
pub fn write_page(report: &Report, path: &Path) -> Result<(), Failure> {
    std::fs::write(path, html::render(report)).map_err(Failure::file(path))
}

/// Where events go as JSON Lines.
pub enum EventSink {
    /// Nowhere.
    None,
    /// To stdout.
    Stdout(BufWriter<std::io::Stdout>),
    /// To a file.
    File(PathBuf, BufWriter<File>),
}

impl EventSink {
    /// Opens what `--events` names; `-` is stdout.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            None => Ok(Self::None),
            Some(path) if path.as_os_str() == "-" => {
                Ok(Self::Stdout(BufWriter::new(std::io::stdout())))
            }
            Some(path) => {
                let file = File::create(path).map_err(Failure::file(path))?;
                Ok(Self::File(path.to_path_buf(), BufWriter::new(file)))
            }
        }
    }

    /// The sink as a writer, if there is one.
    pub fn writer(&mut self) -> Option<&mut dyn Write> {
        match self {
            Self::None => None,
            Self::Stdout(to) => Some(to),
            Self::File(_, to) => Some(to),
        }
    }

    /// Whether stdout is taken.
    pub fn takes_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// The failure that `error` means for this sink.
    pub fn failure(&self, error: std::io::Error) -> Failure {
        match self {
            Self::File(path, _) => Failure::File { path: path.clone(), error },
            Self::None | Self::Stdout(_) => Failure::Output(error),
        }
    }

    /// Writes out what is buffered.
    pub fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.writer().map_or(Ok(()), Write::flush);
        flushed.map_err(|error| self.failure(error))
    }
}
