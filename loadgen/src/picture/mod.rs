//! Two plots in one picture: latency by percentile, and offered against answered rate.

mod axis;
mod svg;

use axis::{Axis, latency, thousands, trimmed};
use svg::{Anchor, Svg};

use crate::report::Report;

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 470.0;
const PANEL: (f64, f64) = (450.0, 300.0);
const TOP: f64 = 105.0;
const INK: &str = "#1f2937";
const MUTED: &str = "#6b7280";
const GRID: &str = "#e5e7eb";
/// Told apart by people who see no red or no green (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A line of a plot.
struct Series<'a> {
    name: String,
    points: Vec<(f64, f64)>,
    colour: &'a str,
    dashed: bool,
    dots: bool,
}

/// Draws one load, or the steps of a ramp.
pub fn picture(reports: &[Report]) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let [title, subtitle] = heading(reports);
    svg.text((60.0, 34.0), Anchor::Start, 19.0, INK, &title);
    svg.text((60.0, 58.0), Anchor::Start, 13.0, MUTED, &subtitle);
    latencies(&mut svg, 70.0, reports);
    match reports {
        [one] => over_time(&mut svg, 630.0, one),
        steps => over_rates(&mut svg, 630.0, steps),
    }
    svg.finish()
}

/// Goodput over offered load, both as multiples of the capacity: on the dashed line everything is answered, and above a
/// capacity the best is 1.
pub fn goodput(title: &str, subtitle: &str, curves: &[(String, Vec<(f64, f64)>)]) -> String {
    let mut svg = Svg::new(WIDTH / 2.0, HEIGHT);
    svg.text((70.0, 34.0), Anchor::Start, 19.0, INK, title);
    svg.text((70.0, 58.0), Anchor::Start, 13.0, MUTED, subtitle);
    let most = curves.iter().flat_map(|(_, points)| points).map(|point| point.0).fold(1.0, f64::max);
    let mut series = vec![Series {
        name: "all answered, up to the capacity".to_owned(),
        points: vec![(0.0, 0.0), (1.0, 1.0), (most, 1.0)],
        colour: "#9ca3af",
        dashed: true,
        dots: false,
    }];
    series.extend(curves.iter().zip(COLOURS).map(|((name, points), colour)| Series {
        name: name.clone(),
        points: points.clone(),
        colour,
        dashed: false,
        dots: true,
    }));
    // The upper half is for their names.
    let highest = curves.iter().flat_map(|(_, points)| points).map(|point| point.1).fold(1.5, f64::max) * 2.0;
    let x = Axis::linear("offered, in capacities", most, trimmed);
    let y = Axis::linear("answered, in capacities", highest, trimmed);
    panel(&mut svg, 70.0, "", &x, &y, &series);
    svg.finish()
}

fn heading(reports: &[Report]) -> [String; 2] {
    let Some(last) = reports.last() else { return ["No load".to_owned(), String::new()] };
    let cpu =
        last.server_cpu_us_per_check.map_or(String::new(), |us| format!(", server CPU {us:.2} µs a check"));
    let title = match reports {
        [one] => {
            let Report { lost, wrong, garbage_sent, .. } = one;
            let (offered, answered) = (thousands(one.offered_per_s), thousands(one.answered_per_s));
            let garbage = if *garbage_sent > 0 {
                format!(" beside {garbage_sent} pieces of garbage")
            } else {
                String::new()
            };
            format!("{offered} checks/s offered, {answered} answered{garbage}, {lost} lost, {wrong} wrong")
        }
        steps => {
            let clean = steps.iter().filter(|step| step.fault(false).is_none());
            let most = clean.map(|step| step.offered_per_s).fold(0.0, f64::max);
            format!("{} checks/s without loss, the most of {} steps", thousands(most), steps.len())
        }
    };
    let subtitle = format!(
        "{}, {} arrivals, p50 {}, p99 {}{cpu}; {}, {} cores, commit {}",
        last.transport,
        last.arrivals,
        latency(last.p50_us),
        latency(last.p99_us),
        last.build.signature_backend,
        last.build.cores,
        last.build.commit
    );
    [title, subtitle]
}

/// Latency by percentile; the horizontal axis gives every further nine the same room.
fn latencies(svg: &mut Svg, left: f64, reports: &[Report]) {
    // Of many steps the first, the last and what lies evenly between.
    let shown: Vec<&Report> = (0..COLOURS.len().min(reports.len()))
        .map(|n| &reports[n * (reports.len() - 1) / (COLOURS.len().min(reports.len()) - 1).max(1)])
        .collect();
    let series: Vec<Series<'_>> = shown
        .iter()
        .zip(COLOURS)
        .map(|(report, colour)| Series {
            name: format!("{}/s", thousands(report.offered_per_s)),
            points: report.percentiles.iter().map(|point| (1.0 / (1.0 - point.share), point.us)).collect(),
            colour,
            dashed: false,
            dots: false,
        })
        .collect();
    let points = || series.iter().flat_map(|series| &series.points);
    let most_x = points().map(|point| point.0).fold(100.0, f64::max);
    let (least_y, most_y) =
        points().fold((f64::MAX, 10.0_f64), |(least, most), &(_, us)| (least.min(us), most.max(us)));
    let x = Axis::logarithmic("share of checks that took no longer", 1.0, most_x, |odds| {
        if odds < 1.5 { "0 %".to_owned() } else { format!("{} %", percent(odds)) }
    });
    let y = Axis::logarithmic("latency from when a check was due", least_y.min(most_y), most_y, latency);
    panel(svg, left, "Latency by percentile", &x, &y, &series);
}

/// 10 as 90, 1000 as 99.9.
fn percent(odds: f64) -> String {
    let share = 100.0 - 100.0 / odds;
    let decimals = if odds > 5000.0 { 3 } else { 2 };
    let text = format!("{share:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Offered and answered over time.
fn over_time(svg: &mut Svg, left: f64, report: &Report) {
    // The last interval of each is cut short by the end of the load.
    let whole = report.timeline.iter().take_while(|interval| interval.s + 0.1 <= report.seconds);
    let whole: Vec<_> = whole.collect();
    let series = |name: &str, rate: &dyn Fn(&crate::report::Interval) -> f64, colour, dashed| Series {
        name: name.to_owned(),
        points: whole.iter().map(|interval| (interval.s, rate(interval))).collect(),
        colour,
        dashed,
        dots: false,
    };
    let all = [
        series("answered", &|interval| interval.answered_per_s, COLOURS[1], false),
        series("offered", &|interval| interval.offered_per_s, COLOURS[0], true),
    ];
    let most = all.iter().flat_map(|series| &series.points).map(|point| point.1).fold(1.0, f64::max);
    let x = Axis::linear("time, seconds", report.seconds, trimmed);
    let y = Axis::linear("checks a second", most, thousands);
    panel(svg, left, "Offered against answered", &x, &y, &all);
}

/// Answered over offered, one point a step. On the dashed line everything is answered.
fn over_rates(svg: &mut Svg, left: f64, steps: &[Report]) {
    let most = steps.iter().map(|step| step.requested_per_s).fold(1.0, f64::max);
    let all = [
        Series {
            name: "all answered".to_owned(),
            points: vec![(0.0, 0.0), (most, most)],
            colour: "#9ca3af",
            dashed: true,
            dots: false,
        },
        Series {
            name: "answered".to_owned(),
            points: steps.iter().map(|step| (step.requested_per_s, step.answered_per_s)).collect(),
            colour: COLOURS[1],
            dashed: false,
            dots: true,
        },
    ];
    let x = Axis::linear("offered checks a second", most, thousands);
    let y = Axis::linear("answered checks a second", most, thousands);
    panel(svg, left, "Offered against answered", &x, &y, &all);
}

/// Axes, grid, lines and legend.
fn panel(svg: &mut Svg, left: f64, title: &str, x: &Axis, y: &Axis, series: &[Series<'_>]) {
    let (width, height) = PANEL;
    let bottom = TOP + height;
    let at = |(px, py): (f64, f64)| (left + x.place(px) * width, bottom - y.place(py) * height);
    svg.text((left, TOP - 14.0), Anchor::Start, 14.0, INK, title);
    for (value, name) in &x.ticks {
        let place = left + x.place(*value) * width;
        svg.line((place, TOP), (place, bottom), GRID);
        svg.text((place, bottom + 18.0), Anchor::Middle, 12.0, MUTED, name);
    }
    for (value, name) in &y.ticks {
        let place = bottom - y.place(*value) * height;
        svg.line((left, place), (left + width, place), GRID);
        svg.text((left - 8.0, place + 4.0), Anchor::End, 12.0, MUTED, name);
    }
    svg.line((left, bottom), (left + width, bottom), MUTED);
    svg.text((left + width / 2.0, bottom + 40.0), Anchor::Middle, 12.0, INK, x.label);
    svg.upward((left - 54.0, TOP + height / 2.0), 12.0, INK, y.label);
    for Series { points, colour, dashed, dots, .. } in series {
        let points: Vec<_> = points.iter().copied().map(at).collect();
        svg.path(&points, colour, *dashed);
        points.iter().filter(|_| *dots).for_each(|point| svg.dot(*point, colour));
    }
    legend(svg, left + 14.0, series);
}

fn legend(svg: &mut Svg, left: f64, series: &[Series<'_>]) {
    let longest = series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a handful of letters and lines")]
    let (width, height) = (longest as f64 * 7.0 + 44.0, series.len() as f64 * 18.0 + 8.0);
    svg.rect((left - 6.0, TOP + 6.0, width, height), "#ffffffd9");
    let mut top = TOP + 22.0;
    for Series { name, colour, dashed, .. } in series {
        svg.path(&[(left, top - 4.0), (left + 22.0, top - 4.0)], colour, *dashed);
        svg.text((left + 30.0, top), Anchor::Start, 12.0, INK, name);
        top += 18.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::thousand_checks;

    /// Every tag that opens closes, in order, and nothing is written that is no number.
    fn check(name: &str, svg: &str) {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("{name}: a tag without end"));
            assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{name}");
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }

    #[test]
    fn pictures_are_well_formed_whatever_is_drawn() {
        let report = thousand_checks();
        let mut silent = report.clone();
        (silent.percentiles, silent.timeline) = (Vec::new(), Vec::new());
        check("one load", &picture(std::slice::from_ref(&report)));
        check("a ramp", &picture(&vec![report.clone(); 9]));
        check("two steps", &picture(&[report, silent.clone()]));
        check("nothing answered", &picture(&[silent]));
        check("no load", &picture(&[]));
        let curves = [("a <door>".to_owned(), vec![(1.0, 1.0), (10.0, 0.9)])];
        check("goodput", &goodput("a", "b", &curves));
        check("no curve", &goodput("a", "b", &[]));
    }

    #[test]
    fn both_plots_name_their_axes_and_units() {
        let svg = picture(&[thousand_checks()]);
        for text in
            ["Latency by percentile", "µs", "99 %", "Offered against answered", "checks a second", "seconds"]
        {
            assert!(svg.contains(text), "{text}");
        }
    }
}
