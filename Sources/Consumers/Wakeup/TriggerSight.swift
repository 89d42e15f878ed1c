/// How inserts into the events table notify, as a heartbeat saw it.
struct TriggerSight: Sendable, Hashable {
    /// The table's oid, 0 if it is missing: another one when the table was swapped.
    let table: Int64
    /// Whether the trigger is there, enabled, and notifies the relay's channel.
    let isInstalled: Bool
    /// Whether transactions may be prepared, which PostgreSQL refuses after a notification.
    let allowsPreparing: Bool

    /// Whether the table has partitions, into which rows can be inserted without its trigger.
    let hasPartitions: Bool

    /// Whether a relay may rely on being notified of each insert, and harms nobody by asking for it.
    var isReliable: Bool { isInstalled && !allowsPreparing && !hasPartitions }

    /// Why it may not.
    var reason: String {
        if isInstalled, hasPartitions {
            return
                "the events table has partitions, and an insert into a partition by its own name does not notify; if all "
                + "inserts name the table itself, set notify.mode: adaptive"
        }
        return allowsPreparing
            ? "the server lets transactions be prepared (max_prepared_transactions), which PostgreSQL refuses after a "
                + "notification; if nobody prepares transactions that append events, set notify.mode: adaptive"
            : "inserts do not notify; `godwit migrate --notify-trigger install` has them wake relays within milliseconds"
    }
}
