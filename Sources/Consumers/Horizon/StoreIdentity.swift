/// Which log of events a checkpoint counts in: the server's data, the table, and the sequence that gives the positions.
///
/// Looked at with each read, and recorded with the checkpoints, so that a change while no relay ran is noticed too.
package struct StoreIdentity: Sendable, Hashable {
    /// The database system's identifier; the same for a primary and its standbys, another after `pg_upgrade`.
    package var system: String
    /// The write-ahead log's timeline, eight hexadecimal digits; another after a fail-over or a restore.
    package var timeline: String
    /// The events table's object id.
    package var table: UInt32
    /// The sequence's object id.
    package var sequence: UInt32
    /// The file that holds the sequence: another after RESTART, TRUNCATE … RESTART IDENTITY and any ALTER SEQUENCE.
    package var sequenceFile: UInt32
    /// The object ids of the table's partitions, ascending; empty for a table without any.
    package var partitions: [Int64]

    package init(
        system: String, timeline: String, table: UInt32, sequence: UInt32, sequenceFile: UInt32, partitions: [Int64]
    ) {
        self.system = system
        self.timeline = timeline
        self.table = table
        self.sequence = sequence
        self.sequenceFile = sequenceFile
        self.partitions = partitions
    }
}

extension StoreIdentity {
    /// What the difference between two identities means for a reader that has passed a position.
    package enum Comparison: Equatable {
        /// Nothing has changed.
        case same
        /// Something has changed that loses nothing: begin anew from the checkpoints, and say so.
        case beginAnew(reason: String)
        /// Partitions came in: they must not hold events at or below the position.
        case partitionsAdded([Int64])
        /// Events may be lost: stop.
        case refused(SourceError)
    }

    /// Compares with an earlier identity.
    ///
    /// - Parameters:
    ///   - earlier: recorded when the position was passed.
    ///   - passed: everything up to this position was delivered or may have been.
    ///   - lastDrawn: the last position that the sequence has drawn now.
    ///   - name: the sequence's name, for messages.
    package func compared(
        to earlier: StoreIdentity, passed: Int64, lastDrawn: Int64, sequence name: String
    ) -> Comparison {
        if lastDrawn < passed {
            return .refused(.sequenceReset(name, lastDrawn: lastDrawn, checkpoint: passed))
        }
        if system != earlier.system { return .refused(.otherSystem) }
        if sequence != earlier.sequence || sequenceFile != earlier.sequenceFile {
            return .refused(.sequenceChanged(name))
        }
        if table != earlier.table { return .beginAnew(reason: "another table has taken the events table's name") }
        // Before the timeline, which says nothing about what the partitions hold.
        let added = Set(partitions).subtracting(earlier.partitions)
        if !added.isEmpty { return .partitionsAdded(added.sorted()) }
        if timeline != earlier.timeline {
            return .beginAnew(reason: "the server is on another timeline, as after a fail-over or a restore")
        }
        return .same
    }

    /// Whether table and sequence are the same.
    func isSameLog(as other: StoreIdentity) -> Bool {
        table == other.table && sequence == other.sequence && sequenceFile == other.sequenceFile
    }
}
