import Consumers
import KafkaBridge
import NIOHTTP1

/// Makes the pages: reads what each shows, and lays it out.
struct ConsolePages: Sendable {
    private let endpoints: AdminEndpoints
    private let request: AdminRequest
    private let context: PageContext

    init(_ endpoints: AdminEndpoints, _ request: AdminRequest, _ context: PageContext) {
        self.endpoints = endpoints
        self.request = request
        self.context = context
    }

    private var observer: ProcessObserver { endpoints.observer }
    private var configuration: Configuration { endpoints.actions.configuration }
    private var sources: [String] { configuration.sources.compactMap(\.sourceName) }
    private var span: FlowHistory.Span { request.query["span"].flatMap { FlowHistory.Span(rawValue: $0) } ?? .hour }
    /// The query without what pages use themselves.
    private var query: [String: String] { request.query.filter { $0.key != "done" } }

    func page(_ parameters: [String: String]) async -> AdminResponse {
        switch context.route {
        case .overview:
            return AdminResponse(
                .ok, OverviewPage.html(await model(), context, filter: OverviewFilter(request.query), span: span))
        case .consumer: return await consumer(parameters["consumer"] ?? "")
        case .events: return await events()
        case .event: return await event(parameters["position"].flatMap { Int64($0) } ?? 0)
        case .parked: return await parked()
        case .jobs: return await jobs()
        case .processes:
            return AdminResponse(.ok, ProcessesPage.html(await model(), context, uptime: .now - observer.began))
        case .completeness: return AdminResponse(.ok, CompletenessPage.html(await model(), context))
        default: return await audit()
        }
    }

    private func model() async -> DashboardModel {
        DashboardModel(
            await observer.status(), rates: observer.rates, flow: observer.flow, ways: ConsumerWay.all(configuration))
    }

    private func consumer(_ name: String) async -> AdminResponse {
        let status = await observer.status()
        let model = DashboardModel(
            status, rates: observer.rates, flow: observer.flow, ways: ConsumerWay.all(configuration))
        guard let report = model.reports.first(where: { $0.consumer.name == name }) else {
            return missing("There is no consumer of this name.", back: "/")
        }
        let details = ConsumerDetails(
            messages: MessageGroup.all(RecentMessages.shared.newest(200, about: name)),
            deadLetters: await observer.deadLetters(of: name, in: status),
            entries: configuration.entries.filter {
                $0.path.count > 2 && $0.path[0] == "consumers" && $0.path[1] == name
            },
            stages: observer.stages(of: name))
        return AdminResponse(.ok, ConsumerPage.html(report, details, model, context, span: span))
    }

    private func events() async -> AdminResponse {
        let search = Result { () throws(Failure) in try EventSearch(query) }
        var found: Result<FoundEvents, Failure>?
        if case .success(let search) = search {
            found = await Self.catching { try await endpoints.desk.find(search) }
            if case .success(var events)? = found {
                events.settled = await observer.settledPosition(source: search.source)
                found = .success(events)
            }
        }
        return AdminResponse(
            Self.status(search, found), EventsPage.html(search, found, query: query, sources: sources, context))
    }

    private func event(_ position: Int64) async -> AdminResponse {
        let source = request.query["source"].flatMap { $0.isEmpty ? nil : $0 }
        let reports = await observer.status().diagnosis.reports
        switch await Self.catching({ try await endpoints.desk.inspect(position, source: source, reports: reports) }) {
        case .success(let inspection?): return AdminResponse(.ok, EventPage.html(inspection, source: source, context))
        case .success(nil):
            return missing(
                "There is no event at position \(position): it is deleted, was never committed, or is not committed yet.",
                back: "/events")
        case .failure(let failure):
            return AdminResponse(
                AdminEndpoints.status(of: failure, failure),
                PageFrame.message("Event \(position)", failure.message, back: "/events"))
        }
    }

    private func parked() async -> AdminResponse {
        let search = Result { () throws(Failure) in
            var search = try ParkedSearch(query)
            search.source = try configuration.shownSource(search.source, consumer: search.consumer)
            return search
        }
        var shown = query
        var found: Result<FoundParked, Failure>?
        if case .success(let search) = search {
            shown["source"] = search.source
            found = await Self.catching { try await endpoints.desk.parked(search) }
        }
        return AdminResponse(
            Self.status(search, found), ParkedPage.html(search, found, query: shown, sources: sources, context))
    }

    private func jobs() async -> AdminResponse {
        let jobs = await Self.catching {
            try await endpoints.desk.withRoom { try await JobControl(configuration, actor: "").list() }
        }
        return AdminResponse(.ok, JobsPage.html(jobs, consumers: configuration.consumers.map(\.name), context))
    }

    private func audit() async -> AdminResponse {
        let search = Result { () throws(Failure) in
            var search = try AuditTrail.Search(query)
            search.source = try configuration.shownSource(search.source)
            return search
        }
        var shown = query
        var trail: Result<AuditTrail, Failure>?
        if case .success(let search) = search {
            shown["source"] = search.source
            trail = await Self.catching { try await endpoints.desk.audit(search) }
        }
        return AdminResponse(
            Self.status(search, trail), AuditPage.html(search, trail, query: shown, sources: sources, context))
    }

    // MARK: Outcomes

    private func missing(_ text: String, back: String) -> AdminResponse {
        AdminResponse(.notFound, PageFrame.message("Not found", text, back: back))
    }

    static func catching<Value: Sendable>(_ body: () async throws -> Value) async -> Result<Value, Failure> {
        do { return .success(try await body()) } catch { return .failure(Failure(error)) }
    }

    private static func status<First, Second>(
        _ search: Result<First, Failure>, _ found: Result<Second, Failure>?
    ) -> HTTPResponseStatus {
        if case .failure(let failure) = search { return AdminEndpoints.status(of: failure, failure) }
        if case .failure(let failure)? = found { return AdminEndpoints.status(of: failure, failure) }
        return .ok
    }
}

extension Result where Failure == Appliance.Failure {
    /// What the body gives, or the failure that it throws.
    init(_ body: () throws(Appliance.Failure) -> Success) {
        do throws(Appliance.Failure) { self = .success(try body()) } catch { self = .failure(error) }
    }
}
