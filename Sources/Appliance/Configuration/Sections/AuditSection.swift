import KafkaBridge

/// `audit`: whether what was delivered is compared with the topics all the time.
package struct AuditSection: Sendable {
    /// Nil is never.
    package var interval: Duration?
    /// Records read a second, at most.
    package var rate: Int

    init(_ values: inout ConfigurationValues, _ consumers: [ConsumerSection]) {
        interval = values.isGiven("audit.interval") ? values.duration("audit.interval") : nil
        rate = values.integer("audit.rate")
        guard interval != nil else { return }
        for consumer in consumers where consumer.route?.namesEvents == false {
            values.problem(
                "audit.interval",
                "cannot be kept: the headers of the consumer \"\(consumer.name)\" leave out event_id, so that nothing says "
                    + "which events its records carry")
        }
    }
}
