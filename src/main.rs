//! Arguments in, exit code out; everything else is `tsuitate::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tsuitate::cli::main()
}
