import KafkaBridge
import NIOHTTP1

/// The API behind the pages: the same data for programs.
struct ConsoleAPI: Sendable {
    private let endpoints: AdminEndpoints
    private let request: AdminRequest

    init(_ endpoints: AdminEndpoints, _ request: AdminRequest) {
        self.endpoints = endpoints
        self.request = request
    }

    func answer(_ route: AdminRoute, _ parameters: [String: String]) async -> AdminResponse {
        do {
            return AdminResponse(.ok, try await value(route, parameters).indentedText + "\n", as: .json)
        } catch {
            let failure = Failure(error)
            let body: JSONValue = ["error": .string(failure.message)]
            return AdminResponse(AdminEndpoints.status(of: failure, error), body.indentedText + "\n", as: .json)
        }
    }

    private func value(_ route: AdminRoute, _ parameters: [String: String]) async throws -> JSONValue {
        let (desk, observer, configuration) = (endpoints.desk, endpoints.observer, endpoints.actions.configuration)
        switch route {
        case .apiDescription: return APIDescription.document
        case .apiStatus: return await observer.status().json
        case .apiJobs:

            let jobs = try await desk.withRoom { try await JobControl(configuration, actor: "").list() }
            return JobReport.json(jobs)
        case .apiJob:
            let name = parameters["job"] ?? ""
            let (job, runs) = try await desk.withRoom { try await JobControl(configuration, actor: "").show(name) }
            return JobReport(job).json(runs)
        case .apiEvents:
            let search = try EventSearch(request.query)
            let found = try await desk.find(search)
            return [
                "events": .array(found.events.map(\.json)), "before": found.before.map { .number($0) } ?? .null,
                "searched_from": found.searchedFrom.map { .number($0) } ?? .null,
                "latest_position": .number(found.latest),
            ]
        case .apiEvent:
            let position = parameters["position"].flatMap { Int64($0) } ?? 0
            let reports = await observer.status().diagnosis.reports
            guard
                let inspection = try await desk.inspect(position, source: request.query["source"], reports: reports)
            else { throw Failure(.nothingSelected, "there is no event at position \(position)") }
            return inspection.json(isHidden: configuration.admin.hidesPayloads)
        case .apiParked:
            var search = try ParkedSearch(request.query)
            search.source = try configuration.shownSource(search.source, consumer: search.consumer)
            return Self.of(search.source, try await desk.parked(search).json)
        case .apiProcesses:
            let status = await observer.status()
            return ProcessList(status.diagnosis.reports, own: Set(status.sources.map(\.status.worker))).json
        case .apiCompleteness: return CompletenessPage.json(await observer.status().diagnosis.reports)
        case .apiAudit:
            var search = try AuditTrail.Search(request.query)
            search.source = try configuration.shownSource(search.source)
            return Self.of(search.source, try await desk.audit(search).json)
        default: throw Failure(.nothingSelected, "not found")
        }
    }

    /// Where there are several sources, an answer says of which it is.
    private static func of(_ source: String?, _ answer: JSONValue) -> JSONValue {
        guard let source, case .object(let members) = answer else { return answer }
        return .object([.init("source", .string(source))] + members)
    }
}
