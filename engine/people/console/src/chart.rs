//! Charts as SVG, made here: a line, and a bar of shares. Each has a table beside it in the page.

use std::fmt::Write as _;

use hufu_web::escaped;

/// Width and height of a chart's drawing.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// Lines over the last ten minutes, the newest value at the right. Each has a class of its own for its colour; a value that
/// is absent leaves a gap. The top of the chart is the largest value, which stands above it as `top` writes it.
#[expect(clippy::cast_precision_loss, reason = "places of at most 600 points")]
pub(crate) fn lines(label: &str, series: &[Vec<Option<f64>>], top: impl Fn(f64) -> String) -> String {
    let max = series.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let scale = if max > 0.0 { max } else { 1.0 };
    let mut svg = format!(
        "<p class=\"top-of-chart\">{}</p><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\"><path class=\"frame\" d=\"M0 {HEIGHT}H{WIDTH}M0 .5H{WIDTH}\"/>",
        escaped(&top(max)),
        HEIGHT + 4.0,
        escaped(label)
    );
    for (number, values) in series.iter().enumerate() {
        let step = WIDTH / (super::history::POINTS - 1) as f64;
        let first = super::history::POINTS.saturating_sub(values.len());
        let mut path = String::new();
        let mut is_drawn = false;
        for (at, value) in values.iter().enumerate() {
            if let Some(value) = value {
                let (x, y) = ((first + at) as f64 * step, HEIGHT - value / scale * (HEIGHT - 2.0));
                let _ = write!(path, "{}{x:.0} {y:.0}", if is_drawn { 'L' } else { 'M' });
            }
            is_drawn = value.is_some();
        }
        let _ = write!(svg, "<path class=\"line s{}\" d=\"{path}\"/>", number + 1);
    }
    svg + "</svg>"
}

/// A bar whose parts are as long as their shares.
#[expect(clippy::cast_precision_loss, reason = "counts of ten minutes are far below 2^52")]
pub(crate) fn bar(label: &str, parts: &[u64]) -> String {
    let sum: u64 = parts.iter().sum();
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} 28\" role=\"img\" aria-label=\"{}\">",
        escaped(label)
    );
    let mut x = 0.0;
    for (number, part) in parts.iter().enumerate().filter(|(_, part)| **part > 0) {
        let width = *part as f64 / sum as f64 * WIDTH;
        let _ = write!(
            svg,
            "<rect class=\"s{}\" x=\"{x:.1}\" y=\"2\" width=\"{width:.1}\" height=\"24\"/>",
            number + 1
        );
        x += width;
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_gaps_where_nothing_answered_and_labels_are_escaped() {
        let svg = lines("<\"checks\">", &[vec![Some(0.0), None, Some(10.0), Some(5.0)], vec![]], |top| {
            format!("{top}&")
        });
        assert!(svg.contains("aria-label=\"&lt;&quot;checks&quot;&gt;\""), "{svg}");
        assert!(
            svg.contains("d=\"M597 120M599 2L600 61\"") && svg.contains("class=\"line s2\" d=\"\""),
            "{svg}"
        );
        assert!(svg.starts_with("<p class=\"top-of-chart\">10&amp;</p><svg"), "{svg}");
    }

    #[test]
    fn a_bar_is_parted_by_shares() {
        let svg = bar("mix", &[3, 0, 1]);
        assert!(svg.contains("class=\"s1\" x=\"0.0\" y=\"2\" width=\"450.0\""), "{svg}");
        assert!(svg.contains("class=\"s3\" x=\"450.0\"") && !svg.contains("\"s2\""), "{svg}");
        assert!(!bar("none", &[0, 0]).contains("rect"));
    }
}
