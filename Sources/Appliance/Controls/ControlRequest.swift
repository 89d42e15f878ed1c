import Consumers
package import EventSourcing
import Postgres

/// A control of a consumer, as an operator gives it by command or request.
package struct ControlRequest: Sendable {
    package let consumer: String
    package let change: ControlChange
    /// Who gives it, for the audit.
    package let actor: String

    package init(consumer: String, change: ControlChange, actor: String) {
        self.consumer = consumer
        self.change = change
        self.actor = actor
    }

    /// Reads a rate as people write it: a number above zero, or `off`.
    package static func rate(_ text: String) throws(Failure) -> ControlChange {
        if text == "off" { return .rate(nil) }
        guard let rate = Double(text), ControlChange.rates.contains(rate) else {
            throw Failure(
                .usage,
                "the rate is \"\(text)\", but must be events per second, a number above 0, or \"off\"; `godwit pause` "
                    + "stops a consumer altogether")
        }
        return .rate(rate)
    }

    /// Carries it out on a connection of its own.
    ///
    /// - Throws: `Failure`, also for a consumer that nobody knows.
    package func give(_ configuration: Configuration) async throws -> ControlReport {
        try await configuration.database.withConnection { try await give(configuration, on: $0) }
    }

    private func give(_ configuration: Configuration, on connection: Connection) async throws -> ControlReport {
        let channel = configuration.notify.mode == .never ? nil : configuration.notify.channel
        let controls = ConsumerControls(configuration.database.tables, channel: channel)
        if !configuration.consumers.contains(where: { $0.name == consumer }) {
            let started = try await controls.names(on: connection)
            guard started.contains(consumer) else {
                throw unknown(Set(started + configuration.consumers.map(\.name)).sorted())
            }
        }
        let outcome = try await controls.apply(change, to: consumer, by: actor, on: connection)
        return ControlReport(
            consumer: consumer, outcome: outcome,
            delay: channel == nil ? configuration.worker.heartbeatInterval : .zero)
    }

    private func unknown(_ names: [String]) -> Failure {
        let known = names.isEmpty ? "there is none yet" : "there are: \(names.joined(separator: ", "))"
        return Failure(.usage, "there is no consumer \"\(consumer)\" in the configuration or the database; \(known)")
    }
}
