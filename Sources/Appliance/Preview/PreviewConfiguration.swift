import FoundationEssentials
import KafkaBridge

/// What a preview of a consumer needs of a configuration, which need not run as a whole yet.
package struct PreviewConfiguration: Sendable {
    package let configuration: Configuration
    let consumer: ConsumerSection
    /// What is wrong elsewhere, and keeps relays from running.
    package let problems: [ConfigurationProblem]
    /// Why brokers cannot be asked.
    let kafkaProblem: String?

    /// Reads as much as is right: all, else the consumer with the database and Kafka, else without Kafka.
    ///
    /// - Throws: what is wrong with the consumer or the database; where there is no such consumer.
    package static func load(
        _ consumer: String, file: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> PreviewConfiguration {
        let parts = [
            ConfigurationFocus.whole, ConfigurationFocus(consumer: consumer),
            ConfigurationFocus(consumer: consumer, includesKafka: false),
        ]
        var first: ConfigurationError?
        var last: ConfigurationError?
        for part in parts {
            let loaded: Configuration.Loaded
            do throws(ConfigurationError) {
                loaded = try Configuration.load(file: file, environment: environment, needs: [.database], focus: part)
            } catch {
                first = first ?? error
                last = error
                continue
            }
            guard let section = loaded.configuration.consumers.first(where: { $0.name == consumer }) else {
                throw unknown(consumer, loaded.consumerNames)
            }
            return PreviewConfiguration(
                configuration: try loaded.configuration.choose(source: nil, consumer: consumer), consumer: section,
                problems: first?.problems ?? loaded.warnings,
                kafkaProblem: part.includesKafka ? nil : "the section kafka of the configuration is not right")
        }
        throw last ?? ConfigurationError(problems: [])
    }

    private static func unknown(_ consumer: String, _ names: [String]) -> Failure {
        Failure(
            .usage,
            "the configuration has no consumer \(consumer); "
                + (names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"))
    }

    /// How the consumer publishes.
    func options() throws(Failure) -> KafkaPublisherOptions {
        var options = try consumer.publisherOptions(configuration.kafka)
        options.client = configuration.kafka.client("godwit-preview")
        return options
    }
}
