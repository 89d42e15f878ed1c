package import KafkaBridge

/// `source.retention`: how long rows stay.
package struct RetentionSection: Sendable {
    /// How long events stay once they are delivered; nil is for ever.
    package var deliveredFor: Duration?
    /// Rows removed a second at most.
    package var rate: Int
    /// How often relays look.
    package var interval: Duration
    /// How long rows of Godwit's own tables stay.
    package var ages: Housekeeping.Ages

    init(_ values: inout ConfigurationValues, of kind: SourceSection.Kind) {
        let path: ConfigurationPath = "source.retention.delivered_for"
        deliveredFor = values.isGiven(path) ? values.duration(path) : nil
        rate = values.integer("source.retention.rate")
        interval = values.duration("source.retention.interval")
        ages = Housekeeping.Ages(
            deadLetters: values.duration("source.retention.dead_letters_for"),
            auditLog: values.duration("source.retention.audit_log_for"),
            jobs: values.duration("source.retention.jobs_for"))
        if kind == .eventStore, deliveredFor != nil {
            values.problem(
                path, .conflict,
                "would remove events of an event store, from which services load their state: if the rows are there to be delivered "
                    + "only, set \"source.kind\" to outbox")
            deliveredFor = nil
        }
    }

    /// How relays and `godwit prune` remove events; nil where they stay.
    package var pruning: Pruner.Options? {
        deliveredFor.map { Pruner.Options(deliveredFor: $0, rate: rate) }
    }
}
