/// A transaction that holds the horizon back.
public struct HorizonHold: Sendable, Hashable {
    /// Its server process; `nil` for a prepared transaction.
    public let processID: Int?
    /// Its `application_name`; `nil` if it is not to be seen by this role.
    public let application: String?
    /// Its state, for example `idle in transaction`.
    public let state: String?
    /// How long it has been open.
    public let age: Duration?
    /// The identifier it was prepared under.
    public let preparedTransaction: String?

    package init(
        processID: Int?, application: String? = nil, state: String? = nil, age: Duration? = nil,
        preparedTransaction: String? = nil
    ) {
        self.processID = processID
        self.application = application
        self.state = state
        self.age = age
        self.preparedTransaction = preparedTransaction
    }
}

extension HorizonHold {
    /// What kind of transaction it is, for counting.
    enum Cause: String, CaseIterable {
        /// It does nothing: its program has forgotten it, or is busy with something else.
        case idle
        /// A statement runs.
        case active
        /// It waits for COMMIT PREPARED.
        case prepared
        /// It has ended meanwhile, or this role may not see it.
        case unknown
    }

    var cause: Cause {
        if preparedTransaction != nil { return .prepared }
        guard let state else { return .unknown }
        return state.hasPrefix("idle in transaction") ? .idle : .active
    }
}

extension HorizonHold: CustomStringConvertible {
    /// For logs: who it is, for how long, and how to end it.
    public var description: String {
        let age = age.map { ", open for \($0.components.seconds) s" } ?? ""
        if let preparedTransaction {
            return
                "prepared transaction \(preparedTransaction.debugDescription)\(age): COMMIT or ROLLBACK PREPARED ends it"
        }
        guard let processID else { return "a transaction that has just ended" }
        let name = application.map { " (\($0.debugDescription)\(state.map { ", \($0)" } ?? ""))" } ?? ""
        return "process \(processID)\(name)\(age): SELECT pg_terminate_backend(\(processID)) ends it"
    }
}
