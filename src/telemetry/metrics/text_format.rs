//! The text format 0.0.4, the predecessor of `OpenMetrics`, for scrapers that know no other.

/// Translates `OpenMetrics` text, as our registry writes it, to the older format: a counter has the
/// name of its samples, and there is neither an end mark nor a unit. The registry writes no
/// exemplars and no timestamps.
pub fn text_format(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = Some(rest);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.rsplit_once(' ').unwrap_or((rest, "unknown"));
            let (ending, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some((_, text)) = help.take().and_then(|help| help.split_once(' ')) {
                push(&mut out, &["# HELP ", name, ending, " ", text]);
            }
            push(&mut out, &["# TYPE ", name, ending, " ", kind]);
        } else if !line.starts_with('#') {
            push(&mut out, &[line]);
        }
    }
    out
}

fn push(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied().chain(["\n"]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_gets_the_name_of_its_samples_and_other_lines_stay_the_same() {
        let open_metrics = "# HELP a Things done.\n# TYPE a counter\na_total{kind=\"x y\"} 1\n\
                            # HELP b_seconds Time.\n# TYPE b_seconds histogram\n\
                            # UNIT b_seconds seconds\nb_seconds_bucket{le=\"1.0\"} 2\n\
                            b_seconds_count 2\n# HELP c One.\n# TYPE c gauge\nc 1\n# EOF\n";
        let text = "# HELP a_total Things done.\n# TYPE a_total counter\na_total{kind=\"x y\"} 1\n\
                    # HELP b_seconds Time.\n# TYPE b_seconds histogram\n\
                    b_seconds_bucket{le=\"1.0\"} 2\nb_seconds_count 2\n# HELP c One.\n\
                    # TYPE c gauge\nc 1\n";
        assert_eq!(text_format(open_metrics), text);
    }
}
