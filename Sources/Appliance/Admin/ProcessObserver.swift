import Consumers
import CoreMetrics
import KafkaBridge
import Synchronization
import Telemetry

/// Looks at the relays of all sources of the process, for the admin port.
final class ProcessObserver: Sendable {
    struct Unit: Sendable {
        /// `nil` where there is one source only.
        let source: String?
        let observer: RelayObserver
    }

    private let units: [Unit]
    private let registry: PrometheusRegistry
    private let flows = Mutex(FlowHistories())
    let began = ContinuousClock.now

    init(_ units: [Unit], registry: PrometheusRegistry) {
        self.units = units
        self.registry = registry
    }

    /// Looks at the databases each time a status was asked for, and notes how much was done, until cancelled.
    func run() async {
        await withTaskGroup { group in
            for unit in units {
                group.addTask { await unit.observer.run() }
                group.addTask { await unit.observer.sample() }
            }
            group.addTask { await self.sampleFlow() }
        }
    }

    /// Notes every few seconds how much flowed and how late, for the graphs, until cancelled.
    private func sampleFlow() async {
        while !Task.isCancelled {
            let events = registry.counters(.eventsDone, by: "consumer")
            let latency = registry.histograms(.latency, by: "consumer")
            flows.withLock { $0.note(events: events, latency: latency, at: .now) }
            try? await Task.sleep(for: RateHistory.interval)
        }
    }

    /// How much flowed here, and how late, within the last day.
    var flow: FlowHistories { flows.withLock { $0 } }

    /// In which stages batches of a consumer have waited in this process; `nil` where none was measured.
    func stages(of consumer: String) -> StageTimes? { StageTimes.parse(registry.exposition())[consumer] }

    /// How many events per second each consumer of this process processed lately.
    var rates: [String: RateHistory] {
        units.reduce(into: [:]) { $0.merge($1.observer.rates) { first, _ in first } }
    }

    /// What waits for a decision; `nil` when the database does not tell.
    func deadLetters(of consumer: String, in status: ProcessStatus) async -> [DeadLetter]? {
        let index = status.sources.firstIndex { $0.status.diagnosis.reports.contains { $0.consumer.name == consumer } }
        return await index.flatMap { units.indices.contains($0) ? units[$0] : nil }?.observer.deadLetters(of: consumer)
    }

    /// No source is kept waiting by the database of another.
    func metrics() async -> String {
        await withTaskGroup { group in
            for unit in units { group.addTask { await unit.observer.report() } }
        }
        withMetricsFactory(registry) {
            ResidentMemory.report()
            Metric.logLinesDropped.gauge().set(LineQueue.standardError.dropped)
        }
        return registry.exposition()
    }

    func status() async -> ProcessStatus {
        ProcessStatus(await units.concurrentMap { ($0.source, await $0.observer.status()) })
    }

    /// Up to which position events of a source, or of the first one, are settled, as this process reads them; `nil` where it is not known.
    func settledPosition(source: String?) async -> Int64? {
        let unit = units.first { source == nil || $0.source == source }
        return await unit?.observer.settledPosition()
    }

    /// Does not ask the databases.
    func reasonsNotReady() async -> [String] {
        var reasons: [String] = []
        for unit in units {
            let own = await unit.observer.reasonsNotReady()
            reasons += unit.source.map { source in own.map { "source \(source): \($0)" } } ?? own
        }
        return reasons
    }
}

/// How the relays of all sources of a process stand.
struct ProcessStatus: Sendable {
    /// In the order of the configuration; one without a name where there is one source only.
    let sources: [(source: String?, status: RelayStatus)]

    init(_ sources: [(source: String?, status: RelayStatus)]) { self.sources = sources }

    /// Everything once; what is the matter with the process says with which source.
    var diagnosis: Diagnosis {
        let all = sources.map { ($0.source, $0.status.diagnosis) }
        if all.count == 1, all[0].0 == nil { return all[0].1 }
        func named(_ issues: [HealthIssue], _ source: String?) -> [HealthIssue] {
            issues.map { HealthIssue($0.kind, "source \(source ?? ""): \($0.text)") }
        }
        var seen: Set<String> = []
        return Diagnosis(
            process: all.flatMap { named($1.process, $0) }, share: all.flatMap { named($1.share, $0) },
            reports: all.flatMap(\.1.reports).filter { seen.insert($0.consumer.name).inserted })
    }

    var json: JSONValue {
        if sources.count == 1, let only = sources.first, only.source == nil { return only.status.json }
        let diagnosis = diagnosis
        let reasons = diagnosis.reasonsNotReady
        return [
            "ready": .boolean(reasons.isEmpty), "not_ready": .array(reasons.map { .string($0) }),
            "healthy": .boolean(diagnosis.isHealthy), "problems": .array(diagnosis.problems.map(\.json)),
            "resident_memory_bytes": sources.first?.status.residentMemory.map { .number($0) } ?? .null,
            "sources": .object(sources.map { .init($0.source ?? "", $0.status.json) }),
        ]
    }
}
