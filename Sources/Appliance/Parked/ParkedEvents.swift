import EventSourcing
package import KafkaBridge
import Postgres

/// What `godwit parked` does: looks at dead letters and decides about them, as an operator asked.
package struct ParkedEvents: Sendable {
    private let configuration: Configuration
    private let letters: DeadLetters

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        letters = DeadLetters(configuration.database.tables)
    }

    /// What can be decided.
    package enum Decision: Sendable {
        case redrive, discard, park
    }

    /// Those selected, at most so many.
    ///
    /// - Parameter others: consumers of other sources, whose events may be in the same table.
    package func list(
        _ selection: DeadLetterSelection, isHistory: Bool, limit: Int, others: Set<String> = []
    ) async throws -> ParkedReport {
        try await configuration.database.withConnection { connection in
            let states = isHistory ? DeadLetter.State.allCases : DeadLetter.State.allCases.filter(\.isOpen)
            let found = try await letters.list(
                selection, states: states, limit: limit + 1, others: others, on: connection)
            return ParkedReport(letters: Array(found.prefix(limit)), hasMore: found.count > limit)
        }
    }

    /// One event, whatever became of it.
    package func show(_ position: Int64, of consumer: String) async throws -> ParkedReport {
        let selection = DeadLetterSelection(consumer: consumer, position: position)
        let report = try await list(selection, isHistory: true, limit: 1)
        if report.letters.isEmpty {
            throw DeadLetterError.notOpen(consumer: consumer, position: position, state: nil)
        }
        return report
    }

    /// Carries a decision out, in the name of who runs this command.
    package func decide(
        _ decision: Decision, _ selection: DeadLetterSelection, of consumer: String
    ) async throws -> ParkedReport {
        let actor = CommandActor.current
        return try await configuration.database.withConnection { connection in
            let changed =
                switch decision {
                case .redrive:
                    try await letters.requestRedrive(selection, of: consumer, actor: actor, on: connection)
                case .discard: try await letters.discard(selection, of: consumer, actor: actor, on: connection)
                case .park: try await letters.park(selection, of: consumer, actor: actor, on: connection)
                }
            return ParkedReport(letters: changed, decision: decision)
        }
    }
}
