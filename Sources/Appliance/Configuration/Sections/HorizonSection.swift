/// `horizon`: what is done about transactions that hold events back.
package struct HorizonSection: Sendable {
    /// A session that holds events back is ended once it has been idle in its transaction for so long; never, if `nil`.
    package var endIdleWritersAfter: Duration?

    init(_ values: inout ConfigurationValues) {
        endIdleWritersAfter =
            values.isGiven("horizon.end_idle_writers_after") ? values.duration("horizon.end_idle_writers_after") : nil
    }
}
