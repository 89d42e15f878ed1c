import Consumers
import KafkaBridge
import Logging
import NIOHTTP1

/// What the admin port has under which path. Whoever changes something must bring the token, in a header or as a field of a
/// form: no cookie is ever set, so no other page can have a browser change anything.
struct AdminEndpoints: Sendable {
    let observer: ProcessObserver
    let actions: AdminActions
    /// `nil` when nothing can be changed.
    let token: AdminToken?
    let logger: Logger

    /// Whether it is answered whatever others ask: what a probe asks takes no time.
    static func isProbe(_ path: [String]) -> Bool { path == ["healthz"] || path == ["readyz"] }

    func respond(_ request: AdminRequest) async -> AdminResponse {
        switch request.method {
        case .GET, .HEAD: await look(request)
        case .POST: await change(request)
        default: .notAllowed("GET, HEAD and POST")
        }
    }

    // MARK: Looking

    private func look(_ request: AdminRequest) async -> AdminResponse {
        switch request.path {
        case []: return AdminResponse(.ok, OverviewPage.html(await model()))
        case ["healthz"]: return AdminResponse(.ok, "ok\n")
        case ["readyz"]: return await readiness()
        case ["metrics"]: return AdminResponse(.ok, await observer.metrics(), as: .metrics)
        case ["api", "status"]: return AdminResponse(.ok, await observer.status().json.indentedText + "\n", as: .json)
        case ["api", "jobs"]: return await jobs { JobReport.json(try await $0.list()) }
        case ["jobs"]: return await jobsPage(note: request.query["done"])
        case ["assets", "style.css"]: return AdminResponse(.ok, DashboardAssets.style, as: .style)
        case ["assets", "script.js"]: return AdminResponse(.ok, DashboardAssets.script, as: .script)
        default: break
        }
        if request.path.count == 2, request.path[0] == "consumers" {
            return await page(of: request.path[1], note: request.query["done"])
        }
        if request.path.count == 3, request.path[0] == "api", request.path[1] == "jobs" {
            return await jobs { control in
                let (job, runs) = try await control.show(request.path[2])
                return JobReport(job).json(runs)
            }
        }
        if AdminActions.isAction(request.path) { return .notAllowed("POST") }
        return Self.notFound
    }

    private static let notFound = AdminResponse(
        .notFound, "not found; there are /, /jobs, /healthz, /readyz, /metrics, /api/status and /api/jobs\n")

    /// What is asked of the table of jobs.
    private func jobs(_ ask: (JobControl) async throws -> JSONValue) async -> AdminResponse {
        do {
            let found = try await ask(JobControl(actions.configuration, actor: ""))
            return AdminResponse(.ok, found.indentedText + "\n", as: .json)
        } catch {
            let failure = Failure(error)
            let body: JSONValue = ["error": .string(failure.message)]
            return AdminResponse(Self.status(of: failure, error), body.indentedText + "\n", as: .json)
        }
    }

    private func jobsPage(note: String?) async -> AdminResponse {
        let names = actions.configuration.consumers.map(\.name)
        let jobs: Result<[Job], Failure>
        do {
            jobs = .success(try await JobControl(actions.configuration, actor: "").list())
        } catch {
            jobs = .failure(Failure(error))
        }
        return AdminResponse(
            .ok, JobsPage.html(jobs, consumers: names, canChange: token != nil, note: note))
    }

    private func readiness() async -> AdminResponse {
        let reasons = await observer.reasonsNotReady()
        if reasons.isEmpty { return AdminResponse(.ok, "ready\n") }
        return AdminResponse(.serviceUnavailable, reasons.map { $0 + "\n" }.joined())
    }

    private func model() async -> DashboardModel {
        DashboardModel(await observer.status(), rates: observer.rates, canChange: token != nil)
    }

    private func page(of consumer: String, note: String?) async -> AdminResponse {
        let status = await observer.status()
        let model = DashboardModel(status, rates: observer.rates, canChange: token != nil)
        guard let report = model.reports.first(where: { $0.consumer.name == consumer }) else {
            return AdminResponse(
                .notFound, PageFrame.message("Not found", "There is no consumer of this name.", back: "/"))
        }
        let details = ConsumerDetails(
            messages: RecentMessages.shared.newest(20, about: consumer),
            deadLetters: await observer.deadLetters(of: consumer, in: status))
        return AdminResponse(.ok, ConsumerPage.html(report, details, model, note: note))
    }

    // MARK: Changing

    private func change(_ request: AdminRequest) async -> AdminResponse {
        var request = request
        do {
            guard AdminActions.isAction(request.path) else {
                // Whether something is there does not depend on the method.
                var asked = await look(request)
                if asked.status == .ok { asked = .notAllowed("GET, HEAD") }
                return asked
            }
            guard let token else {
                return refusal(
                    .forbidden, "nothing can be changed over the admin port: \"admin.token_file\" is not configured",
                    request)
            }
            // Only a form may bring the token in its body: what others send is not looked at before it is known who they are.
            var isRead = false
            if request.bearer == nil, request.isForm { isRead = request.readBody() }
            guard token.matches(request.bearer ?? request.fields["token"]) else {
                logger.warning("a change was refused: wrong token", metadata: ["remote": "\(request.remote)"])
                return refusal(
                    .unauthorized, "the token is wrong: send `authorization: Bearer TOKEN`, or the form's token",
                    request)
            }
            guard isRead || request.readBody(takesLists: request.path == ["api", "jobs"]) else {
                return refusal(.badRequest, "the body is neither a form nor a JSON object of plain members", request)
            }
            guard let action = try AdminActions.Action(request) else { return Self.notFound }
            let (result, isNew) = try await actions.perform(action, for: request)
            guard request.isForm, let page = action.page else {
                return AdminResponse(isNew ? .created : .ok, result.indentedText + "\n", as: .json)
            }
            if case .makeJob(let made) = action, made.isDryRun {
                return AdminResponse(.ok, JobsPage.count(result))
            }
            let note = if case .makeJob = action, !isNew { "exists" } else { action.note }
            return .seeOther(page + "?done=" + PercentCoding.encode(note))
        } catch let error as DeadLetterError {
            return refusal(.conflict, error.description, request)
        } catch {
            let failure = Failure(error)
            return refusal(Self.status(of: failure, error), failure.message, request)
        }
    }

    private func refusal(_ status: HTTPResponseStatus, _ reason: String, _ request: AdminRequest) -> AdminResponse {
        if request.isForm {
            let isOfJobs = request.path.count > 1 && request.path[1] == "jobs"
            let back = isOfJobs ? JobsPage.path : request.path.count > 2 ? PageFrame.path(of: request.path[2]) : "/"
            return AdminResponse(status, PageFrame.message("Nothing was changed", reason, back: back))
        }
        let body: JSONValue = ["error": .string(reason)]
        return AdminResponse(status, body.indentedText + "\n", as: .json)
    }

    private static func status(of failure: Failure, _ error: any Error) -> HTTPResponseStatus {
        if case JobError.unknown = error { return .notFound }
        if case JobError.unsettled = error { return .serviceUnavailable }
        return switch failure.status {
        case .jobRefused, .ownedElsewhere, .conflict: .conflict
        case .usage, .input: .badRequest
        case .databaseUnreachable, .databaseBusy: .serviceUnavailable
        default: .internalServerError
        }
    }
}
