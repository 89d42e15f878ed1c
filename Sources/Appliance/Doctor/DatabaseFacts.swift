import Consumers
import EventSourcing

/// What is the case with a database, as far as it could be found out.
struct DatabaseFacts: Sendable, Equatable {
    struct Sequence: Sendable, Equatable {
        var name: String
        var cache: Int64 = 1
        var increment: Int64 = 1
        var cycles = false
        var isReadable = true
        var hasNotifyTrigger = false
    }

    struct Writer: Sendable, Equatable {
        var processID: Int32?
        var application = ""
        var state: String?
        /// In seconds; nil where the role may not know it.
        var age: Double?
        var preparedTransaction: String?
        /// Of an age that is not known, and still there after a while.
        var isLasting = false
    }

    /// How sessions are kept.
    enum Pooler: Sendable, Equatable {
        case none
        /// Something answers in the server's place and keeps a session for a client.
        case session
        /// A statement may meet another session than the one before.
        case transaction
    }

    /// A scope that a consumer is configured with, and was not served with yet.
    struct ScopeChange: Sendable, Equatable {
        var consumer: String
        var before: String
        var now: String
        /// How many earlier events it adds.
        var events: String
        /// What publishes them; empty where it adds none.
        var commands: [String]
    }

    /// A right on a table, as `has_table_privilege` names it.
    struct Right: Sendable, Hashable {
        var table: TableName
        var name: String
    }

    var serverVersion: Int32 = 150_000
    var isStandby = false
    /// Whether the role's sessions take no writes.
    var isReadOnly = false
    /// Whether the role may see what sessions of other roles do, and end them.
    var maySignal = true
    var role = ""
    var isSuperuser = false
    /// The database's clock less this host's, in seconds.
    var clockSkew = 0.0
    /// Half of the round trip, which the skew is uncertain by.
    var clockUncertainty = 0.0
    var pooler = Pooler.none
    /// Nil behind a pooler, which has limits of its own.
    var sessionRoom: SessionRoom?
    /// Nil where the table of versions may not be read.
    var schemaVersion: Int?
    var existing: Set<TableName> = []
    var rights: Set<Right> = []
    var sequence: Sequence?
    /// Whether transactions may be prepared, which PostgreSQL refuses after a notification.
    var allowsPreparing = false
    /// Whether the events table has partitions, into which rows can be inserted without its trigger.
    var hasPartitions = false
    var writers: [Writer] = []
    /// What is wrong with the events' table and columns.
    var shapeProblems: [SourceShapeProblem] = []
    /// Whether an index begins with the positions.
    var hasPositionIndex = true
    /// Why nothing of the events is read, or would be if a relay ran.
    var sourceProblems: [String] = []
    /// By consumer, what is the matter with the names of its scope.
    var unknownScopeNames: [String: String] = [:]
    /// Stored names whose topics meet.
    var topicCollisions: [String] = []
    /// Scopes that the consumers' next start changes.
    var scopeChanges: [ScopeChange] = []
    /// What retention has removed, and what keeps it from more; nil where nobody has looked.
    var pruned: PruningRecord?
    /// What may keep rows from being removed.
    var guards = RowGuards()
    /// Consumers of other schemas of Godwit's tables that read the source.
    var others: [OtherSchemas.Reader] = []
    /// By consumer, where it was started.
    var segments: [String: Int] = [:]
}
