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
    package let entries: [ConfigurationEntry]

    /// What a command cannot do without.
    package enum Need: Sendable {
        case database, kafka, consumers
    }
}
