//! The binary of Lockstep; [`lockstep`] says what it is made of.

fn main() -> std::process::ExitCode {
    lockstep::cli::run()
}
