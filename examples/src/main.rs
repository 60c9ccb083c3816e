//! The tool `mailprobe`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailprobe::cli::main()
}
