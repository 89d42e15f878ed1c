public import EventSourcing
public import Postgres

/// Why the events of a source cannot be read without the risk of passing some over.
///
/// Each case names what was found. The source is not read until it is fixed, or until an operator who has understood it
/// lets it go on with `godwit accept-source`.
public enum SourceError: Error, Sendable, Hashable {
    /// The events table does not exist.
    case missingTable(TableName)
    /// Table or columns are not as they are configured, or may not be read: what is wrong, and whether that is rights alone.
    case shape([String], isRights: Bool)
    /// A column's type, or whether it may be NULL, is another than when the session began.
    case columnsChanged(TableName)
    /// The positions draw from no sequence.
    case missingSequence(TableName)
    /// The positions' default draws from another sequence than the one that is recorded.
    case otherDefault(TableName, sequence: String)
    /// Sessions draw positions ahead, so that later positions become visible long before earlier ones are used.
    case cachedSequence(String, cache: Int64)
    /// The sequence does not simply count up.
    case unusualSequence(String)
    /// A crash empties the table or the sequence.
    case unlogged(TableName)
    /// The role may not read how far the sequence was drawn.
    case sequenceRights(String)
    /// Row-level security hides rows from the role.
    case hiddenRows(TableName)
    /// A row has a position that the sequence has not drawn.
    case foreignPosition(Int64, lastDrawn: Int64)
    /// The sequence is below what was delivered: positions are given out a second time.
    case sequenceReset(String, lastDrawn: Int64, checkpoint: Int64)
    /// The sequence was altered, restarted or replaced since the checkpoints were recorded.
    case sequenceChanged(String)
    /// A partition was attached that holds events at positions that were passed already.
    case attachedPartition(String, position: Int64)
    /// The checkpoints were recorded on another database system.
    case otherSystem
    /// The source was refused before, for the reason given, and nobody has accepted it since.
    case notAccepted(String)
    /// Consumers have recorded their checkpoints before the log changed, and nothing has compared them with it since.
    case recordedBefore(String, consumers: [String])
    /// PostgreSQL refuses to read the events, for example for want of a right or a column.
    case unreadable(PostgresError)
    /// A standby shows neither the writers nor their positions.
    case standby
    /// PostgreSQL refused or was not there.
    case database(PostgresError)
}

extension SourceError {
    /// Whether an operator has to act; otherwise waiting is enough.
    package var isRefusal: Bool {
        switch self {
        case .standby, .database, .columnsChanged: false
        default: true
        }
    }

    /// Whether only an operator can tell that nothing is lost: the refusal holds although its cause may not show any more.
    var isLasting: Bool {
        switch self {
        case .sequenceReset, .sequenceChanged, .attachedPartition, .otherSystem: true
        default: false
        }
    }

    /// What is wrong with table and columns; `nil` where nothing is.
    init?(_ problems: [SourceShapeProblem]) {
        if problems.isEmpty { return nil }
        self = .shape(problems.map(\.text), isRights: problems.allSatisfy(\.isRight))
    }

    /// What a refused statement says about the source; `nil` where the statement is not at fault.
    init(_ error: PostgresError, table: TableName) {
        // "query would be affected by row-level security policy for table": `row_security` is off for readers.
        if error.sqlState == .insufficientPrivilege, error.message.contains("row-level security") {
            self = .hiddenRows(table)
        } else if error.code == .decoding {
            self = .unreadable(error)
        } else {
            self = .database(error)
        }
    }
}

extension SourceError: CustomStringConvertible {
    /// One line that says what to do.
    public var description: String {
        switch self {
        case .missingTable(let table):
            "table \(table.text) does not exist: apply the schema with `godwit migrate`, or correct "
                + "source.table (or database.tables.events)"
        case .shape(let problems, _): problems.joined(separator: "; ")
        case .columnsChanged(let table): "the columns of \(table.text) have changed while they were read"
        case .missingSequence(let table):
            "the positions of \(table.text) draw from no sequence of their own: make the column bigserial or an identity "
                + "column, so that each INSERT draws its position"
        case .otherDefault(let table, let sequence):
            "the positions of \(table.text) draw by default from another sequence than \(sequence): set the default back to "
                + "nextval('\(sequence)')"
        case .cachedSequence(let sequence, let cache):
            "sequence \(sequence) has CACHE \(cache), with which events would be skipped: run "
                + "ALTER SEQUENCE \(sequence) CACHE 1"
        case .unusualSequence(let sequence):
            "sequence \(sequence) must count up by 1 without CYCLE: run ALTER SEQUENCE \(sequence) INCREMENT 1 NO CYCLE"
        case .unlogged(let table):
            "table \(table.text) or its sequence is UNLOGGED, so that a crash empties it: run ALTER TABLE … SET LOGGED"
        case .sequenceRights(let sequence):
            "the role may not read how far sequence \(sequence) was drawn: GRANT SELECT ON SEQUENCE \(sequence) to it, or "
                + "run `godwit migrate --grants`"
        case .hiddenRows(let table):
            "row-level security hides rows of \(table.text) from the relay's role: let it see all (ALTER ROLE … BYPASSRLS, "
                + "or a policy without condition for it), because events that it does not see would be passed over"
        case .foreignPosition(let position, let lastDrawn):
            "a row has position \(position), but the sequence was drawn only up to \(lastDrawn): positions must come from "
                + "the sequence; move the sequence beyond it with setval, or remove the row"
        case .sequenceReset(let sequence, let lastDrawn, let checkpoint):
            "sequence \(sequence) is at \(lastDrawn), below position \(checkpoint) that was delivered already: it was "
                + "reset, or the database was restored, and new events get positions that count as delivered; \(Self.wayOut)"
        case .sequenceChanged(let sequence):
            "sequence \(sequence) was altered, restarted or replaced since the checkpoints were recorded, and events may have "
                + "got positions that count as delivered; \(Self.wayOut)"
        case .attachedPartition(let partition, let position):
            "partition \(partition) was attached and holds events at positions that were passed already, for example "
                + "\(position); \(Self.wayOut)"
        case .notAccepted(let reason): reason
        case .recordedBefore(let table, let consumers):
            "\(consumers.joined(separator: ", ")) recorded checkpoints before \(table) changed (a fail-over, added partitions, another "
                + "table), and nothing has compared them since, so that nobody knows what was delivered: start what serves "
                + "\(consumers.count == 1 ? "it" : "them") (`godwit run` compares, and goes on or says why not), or let go of "
                + "\(consumers.count == 1 ? "it" : "them"): "
                + consumers.map { "`godwit retire \($0)`" }.joined(separator: ", ")
        case .otherSystem:
            "the checkpoints were recorded on another database system (pg_upgrade, or another server); \(Self.wayOut)"
        case .unreadable(let error): "the events cannot be read: \(error)"
        case .standby: "the server is a standby: connect to the primary, where the events are written"
        case .database(let error): error.description
        }
    }

    private static let wayOut = "see `godwit accept-source` for how to go on"
}
