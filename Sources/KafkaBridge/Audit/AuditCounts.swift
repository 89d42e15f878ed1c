/// What an audit has found so far, in events. Each event that is committed and audited counts in one of the absences or as
/// delivered, or is a suspect.
package struct AuditCounts: Sendable, Equatable {
    package var committed: Int64 = 0
    package var delivered: Int64 = 0
    package var missing: Int64 = 0
    /// Not found, where nothing shows whether they were there.
    package var unproven: Int64 = 0
    package var passedOver: Int64 = 0
    package var parked: Int64 = 0
    package var deadLettered: Int64 = 0
    package var discarded: Int64 = 0
    /// Not found, where records of their time are deleted or were not read.
    package var unknowable: Int64 = 0
    /// Delivered more than once.
    package var doubled: Int64 = 0
    /// Delivered first behind a later event of their aggregate.
    package var disordered: Int64 = 0
    /// In a topic that they do not belong to.
    package var misplaced: Int64 = 0

    package init() {}

    /// Where each event is, in figures that add up to ``committed`` with the suspects.
    package var accounted: Int64 {
        delivered + missing + unproven + passedOver + parked + deadLettered + discarded + unknowable
    }

    /// Counts an event that is not in its topic, for a reason that is final.
    mutating func add(_ kind: Absence.Kind) {
        switch kind {
        case .missing: missing += 1
        case .passedOver: passedOver += 1
        case .parked: parked += 1
        case .discarded: discarded += 1
        case .deleted: unknowable += 1
        case .unrecorded, .unproven, .hidden, .pending: unproven += 1
        }
    }
}
