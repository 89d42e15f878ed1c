package import Consumers
import EventSourcing
import Postgres

/// An operator's wish to go on with a source that was refused.
package struct SourceAcceptanceRequest: Sendable {
    package let consumers: [String]
    package let start: SourceAcceptance.Start?
    /// Whether to do it, or only to say what would be done.
    package let isConfirmed: Bool
    /// Who asks, for the audit.
    package let actor: String

    /// - Parameter consumers: empty for all of the configuration.
    package init(consumers: [String], start: SourceAcceptance.Start?, isConfirmed: Bool, actor: String) {
        self.consumers = consumers
        self.start = start
        self.isConfirmed = isConfirmed
        self.actor = actor
    }

    /// Carries it out on a connection of its own.
    ///
    /// - Throws: `Failure`.
    package func carryOut(_ configuration: Configuration) async throws -> SourceAcceptanceReport {
        let configured = configuration.consumers.map(\.name)
        for name in consumers where !configured.contains(name) {
            throw Failure(
                .usage,
                "the configuration has no consumer \(name); it has \(configured.joined(separator: ", "))")
        }
        let acceptance = SourceAcceptance(configuration.database.tables)
        let channel = configuration.notify.mode == .never ? nil : configuration.notify.channel
        return try await configuration.database.withConnection { connection in
            let plan = try await acceptance.plan(consumers.isEmpty ? configured : consumers, start, on: connection)
            if isConfirmed {
                do {
                    try await acceptance.accept(plan, by: actor, channel: channel, on: connection)
                } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
                    throw Failure(
                        .databaseRights,
                        "\(error.description); what is recorded of the former log has to go, which a relay's role may not remove: nothing "
                            + "was changed; do it as the role that applied `godwit migrate`")
                }
            }
            return SourceAcceptanceReport(plan: plan, isDone: isConfirmed)
        }
    }
}

/// What was accepted, or would be.
package struct SourceAcceptanceReport: Sendable {
    let plan: SourceAcceptance.Plan
    let isDone: Bool

    /// For people.
    package var text: String {
        let lines = plan.consumers.map { consumer in
            let was = CountText.format(consumer.checkpoint)
            let next =
                switch plan.start {
                case .after(let position): "goes on behind position \(CountText.format(position))"
                case .checkpoints: "goes on from there"
                }
            return "\(consumer.name): was at \(was), \(next)\(consumer.refusal.map { "\n  refused: \($0)" } ?? "")"
                + (consumer.missed.map { "\n  goes on without \($0), which retention removed before it had them" } ?? "")
        }
        let last = "the sequence has drawn positions up to \(CountText.format(plan.lastDrawn))"
        let note =
            isDone
            ? "accepted; relays go on within seconds"
            : "nothing was changed: add --yes to do this, --from POSITION or --keep-checkpoints to go on elsewhere"
        var removed: [String] = []
        if let pruned = plan.pruned, case .after(let position) = plan.start, position < pruned.through {
            removed = ["\(pruned.sentence): they are not published again"]
        }
        return (lines + [last] + removed + [note]).joined(separator: "\n")
    }

    package var json: JSONValue {
        [
            "accepted": .boolean(isDone),
            "last_drawn_position": .number(plan.lastDrawn),
            "pruned": plan.pruned.map(\.json) ?? .null,
            "consumers": .array(
                plan.consumers.map { consumer in
                    let next: JSONValue =
                        switch plan.start {
                        case .after(let position): .number(position)
                        case .checkpoints: .number(consumer.checkpoint)
                        }
                    return [
                        "name": .string(consumer.name), "checkpoint": .number(consumer.checkpoint),
                        "goes_on_after": next,
                        "refused": consumer.refusal.map { .string($0) } ?? .null,
                    ]
                }),
        ]
    }
}
