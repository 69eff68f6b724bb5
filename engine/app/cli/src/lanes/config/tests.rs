use super::*;

const EXAMPLE: &str = include_str!("../../../../../../docs/examples/gate.toml");

fn parse(text: &str) -> Result<Config, String> {
    let place = Place { text, path: Path::new("gate.toml"), example: "docs/examples/gate.toml" };
    let config: Config = toml::from_str(text).map_err(|error| place.unreadable(&error).to_string())?;
    config.check(place).map(|()| config).map_err(|fault| fault.to_string())
}

/// What is commented out shows its default, and the example with all of it is a valid file.
#[test]
fn the_example_has_every_key_and_its_default() {
    let key = |line: &'static str| {
        let shown = line.strip_prefix("# ").filter(|key| key.contains(" = ") || key.starts_with('['));
        shown.unwrap_or(line)
    };
    let all = parse(&EXAMPLE.lines().map(key).collect::<Vec<_>>().join("\n")).unwrap();
    let short = "gate = 'gate'\n[offline]\noperator_key = 'operator.pub'\n[page]\n[[lane]]\nnumber = 0\nscanner = 'stdin'\n[lane.gpio]\nchip = 'c'\nline = 17\n\
                 [lane.relay]\nserial = 'r'\nopen = '01'\nshut = '00'\n[[lane.command]]\nrun = ['x']\n";
    let short = parse(short).unwrap();
    let figures = |config: &Config| {
        let (page, lane) = (config.page.as_ref().unwrap(), &config.lanes[0]);
        let (gpio, relay) = (lane.gpio.as_ref().unwrap(), lane.relay.as_ref().unwrap());
        let pulses = [*gpio.pulse_ms.get_ref(), *relay.pulse_ms.get_ref()];
        let times = [*config.budget_ms.get_ref(), *page.show_s.get_ref()];
        let bauds = [*lane.baud.get_ref(), *relay.baud.get_ref()];
        let timeout = *lane.commands.last().unwrap().timeout_ms.get_ref();
        (pulses, times, bauds, timeout, *page.listen.get_ref(), gpio.active_low, config.log)
    };
    assert_eq!(figures(&all), figures(&short));
    assert_eq!(all.offline.unwrap().operator_key, short.offline.unwrap().operator_key);
    assert!(all.page.unwrap().words.is_some() && !all.lanes[0].commands[0].on.is_empty());
}

#[test]
fn what_no_gate_can_do_is_refused_with_line_and_key() {
    let lane = |more: &str| format!("gate = 'g'\n[[lane]]\nnumber = 0\nscanner = 'stdin'\n{more}");
    for (text, wanted) in [
        (lane("color = 'red'"), "gate.toml:5: color: there is no such key"),
        (
            lane("[lane.gpio]\nchip = 'c'\nline = 1\npulse_ms = 60000"),
            "gate.toml:8: pulse_ms: 60000 is out of range",
        ),
        (lane("[lane.relay]\nserial = 'r'\nopen = 'on'\nshut = '00'"), "gate.toml:7: open: \"on\" is not"),
        (lane("[lane.relay]\nserial = 'r'\nopen = '01'"), "shut: is missing"),
        (lane("[[lane.command]]\nrun = []"), "gate.toml:6: run: names no program"),
        (lane("[[lane.command]]\nrun = ['x']\non = ['blue']"), "gate.toml:7: on: unknown variant"),
        (lane("[page]\nlisten = '0.0.0.0:7470'"), "gate.toml:6: listen: 0.0.0.0:7470 is not an address of"),
        (
            lane("[[lane]]\nnumber = 0\nscanner = 'serial:a'"),
            "gate.toml:6: number: two lanes have the number 0",
        ),
        (
            lane("[[lane]]\nnumber = 1\nscanner = 'stdin'"),
            "gate.toml:7: scanner: standard input is used twice",
        ),
        (
            lane(
                "[lane.relay]\nserial = 'r'\nopen = '1f'\nshut = '00'\n[[lane]]\nnumber = 1\nscanner = 'serial:r'",
            ),
            "scanner: r is used twice",
        ),
        (lane("baud = 0"), "gate.toml:5: baud: 0 is out of range"),
        ("gate = 'g'\nlane = []".to_owned(), "lane: there is no lane"),
        (
            "gate = 'g'\n[[lane]]\nnumber = 0\nscanner = 'usb'".to_owned(),
            "gate.toml:4: scanner: \"usb\" is not a scanner",
        ),
    ] {
        let said = parse(&text).expect_err(&text);
        assert!(said.contains(wanted), "{text}\n{said}\nnot {wanted}");
    }
}
