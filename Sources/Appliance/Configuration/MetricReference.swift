import Telemetry

/// The table of metrics as documentation.
package enum MetricReference {
    /// Markdown: a table per group.
    package static var markdown: String {
        var text = """
            # Metrics

            What `/metrics` of the admin port serves, in Prometheus' text format. Everything is counted per batch, never per event. A
            gauge of a consumer is what this process knows of the segments it owns, unless its line says otherwise: sum or take the
            maximum over processes. Figures that need the database (lag in seconds, lag by segment, orders, parked events) are as
            of the scrape. Where the configuration has several sources, each metric of one has a label `source` too.
            `config/grafana.json` is a dashboard and `config/prometheus-rules.yml` alerts on these names. This page
            is what `godwit config metrics` prints.

            """
        var group = ""
        for metric in Metric.allCases {
            let own = Self.group(metric.rawValue)
            if own != group {
                group = own
                text += "\n## \(group)\n\n| metric | kind | unit | labels | |\n|---|---|---|---|---|\n"
            }
            let definition = metric.definition
            let labels = definition.labels.map { "`\($0)`" }.joined(separator: ", ")
            text +=
                "| `\(metric.rawValue)` | \(definition.kind.name) | \(definition.unit.rawValue) | \(labels) | \(definition.help) |\n"
        }
        return text
    }

    private static func group(_ name: String) -> String {
        if name.hasPrefix("godwit_consumer_") || name.hasPrefix("godwit_segment_") { return "Consumers" }
        if name.hasPrefix("godwit_kafka_") { return "Kafka" }
        if name.hasPrefix("godwit_audit_") { return "Audits" }
        return name.hasPrefix("process_") ? "The process" : "The event store"
    }
}
