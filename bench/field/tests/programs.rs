//! The programs take what their help says. What they do is shown by tests of the library, and by running them.

use std::process::Command;

/// Runs each example of a program's help with a `hufu` that is not there: its arguments are read, and nothing else happens.
fn examples_are_read(program: &str, name: &str) {
    let run = |arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().expect("the program is there");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (_, help, _) = run(&["--help"]);
    let examples: Vec<_> =
        help.lines().filter_map(|line| line.split_once(&format!("cargo xtask {name}"))).collect();
    assert!(examples.len() >= 2, "{help}");
    for (_, arguments) in examples {
        let mut arguments: Vec<_> = arguments.split_whitespace().collect();
        arguments.extend(["--hufu", "/nowhere/hufu"]);
        let (code, _, said) = run(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains("no /nowhere/hufu; build it first"), "{arguments:?}: {said}");
    }
}

#[test]
fn programs_take_the_arguments_of_their_examples() {
    examples_are_read(env!("CARGO_BIN_EXE_torture"), "torture");
    examples_are_read(env!("CARGO_BIN_EXE_soak"), "soak");
    examples_are_read(env!("CARGO_BIN_EXE_overload"), "overload");
}
