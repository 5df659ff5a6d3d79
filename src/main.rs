//! Arguments in, exit code out; everything else is `tsuitate::cli`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    tsuitate::cli::main()
}
