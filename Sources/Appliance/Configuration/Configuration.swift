/// Everything `godwit` is told: the file, overridden by the environment, completed by defaults, and checked.
package struct Configuration: Sendable {
    package var database: DatabaseSection
    package var source: SourceSection
    package var notify: NotifySection
    package var horizon: HorizonSection
    package var kafka: KafkaSection
    package var worker: WorkerSection
    /// In the order of the file.
    package var consumers: [ConsumerSection]
    package var audit: AuditSection
    package var jobs: JobsSection
    package var admin: AdminSection
    package var log: LogSection

    /// What holds, for `config show`; no secret is in it.
    package internal(set) var entries: [ConfigurationEntry]

    /// The source's name, of a configuration that is narrowed to one of several.
    package var sourceName: String?
    /// The configuration as each of several named sources has it, with the source's consumers; empty where there is one source. Then
    /// nothing reads `database` and `source` of the whole.
    package internal(set) var sources: [Configuration] = []
    /// Of a configuration that is narrowed: the consumers of all sources, whose topics are theirs.
    var consumersOfAll: [ConsumerSection]?

    /// Every consumer there is, also where the configuration is narrowed to one of several sources.
    var allConsumers: [ConsumerSection] { consumersOfAll ?? consumers }

    /// What a command cannot do without.
    package enum Need: Sendable {
        case database, kafka, consumers
    }
}
