import Kafka
import KafkaBridge
import Logging

/// Asks for brokers while nothing is to be delivered and clients have no connection, so that an outage shows before the first
/// event meets it. Nothing is asked while connections are there.
struct IdleBrokerWatch: Sendable {
    let publishers: [KafkaPublisher]
    let client: ClientConfiguration

    /// Between two looks, and two questions while no broker answers.
    private static let interval: Duration = .seconds(5)
    /// Between two questions while brokers answer, though clients that rest are not connected to them.
    private static let longInterval: Duration = .seconds(60)

    /// Until cancelled.
    func run() async {
        var next = ContinuousClock.now
        var reason: String?
        while !Task.isCancelled {
            let idle = publishers.filter(\.isIdleWithoutConnection)
            if idle.isEmpty {
                reason = nil
            } else if .now >= next {
                reason = await failure()
                next = .now + (reason == nil ? Self.longInterval : Self.interval)
            }
            for publisher in publishers {
                publisher.noteIdleOutage(publisher.isIdleWithoutConnection ? reason : nil)
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Why no broker answers; `nil` if one does, whatever it says.
    private func failure() async -> String? {
        do throws(KafkaError) {
            _ = try await Admin.with(client, logger: Logger(label: "godwit.kafka")) { admin throws(KafkaError) in
                try await admin.describeCluster(within: .seconds(5))
            }
            return nil
        } catch {
            return error.classification.kind == .retry ? "no Kafka broker answers: \(error)" : nil
        }
    }
}
