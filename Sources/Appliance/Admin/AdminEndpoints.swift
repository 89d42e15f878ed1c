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
        case ["assets", "style.css"]: return AdminResponse(.ok, DashboardAssets.style, as: .style)
        case ["assets", "script.js"]: return AdminResponse(.ok, DashboardAssets.script, as: .script)
        default: break
        }
        if request.path.count == 2, request.path[0] == "consumers" {
            return await page(of: request.path[1], note: request.query["done"])
        }
        if AdminActions.isAction(request.path) { return .notAllowed("POST") }
        return Self.notFound
    }

    private static let notFound = AdminResponse(
        .notFound, "not found; there are /, /healthz, /readyz, /metrics and /api/status\n")

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
            guard isRead || request.readBody() else {
                return refusal(.badRequest, "the body is neither a form nor a JSON object of plain members", request)
            }
            guard let action = try AdminActions.Action(request) else { return Self.notFound }
            let result = try await actions.perform(action, for: request)
            guard request.isForm, let consumer = action.consumer else {
                return AdminResponse(.ok, result.indentedText + "\n", as: .json)
            }
            return .seeOther(PageFrame.path(of: consumer) + "?done=" + PercentCoding.encode(action.note))
        } catch let error as DeadLetterError {
            return refusal(.conflict, error.description, request)
        } catch {
            let failure = Failure(error)
            return refusal(Self.status(of: failure), failure.message, request)
        }
    }

    private func refusal(_ status: HTTPResponseStatus, _ reason: String, _ request: AdminRequest) -> AdminResponse {
        if request.isForm {
            let back = request.path.count > 2 ? PageFrame.path(of: request.path[2]) : "/"
            return AdminResponse(status, PageFrame.message("Nothing was changed", reason, back: back))
        }
        let body: JSONValue = ["error": .string(reason)]
        return AdminResponse(status, body.indentedText + "\n", as: .json)
    }

    private static func status(of failure: Failure) -> HTTPResponseStatus {
        switch failure.status {
        case .usage, .input: .badRequest
        case .conflict: .conflict
        case .databaseUnreachable, .databaseBusy: .serviceUnavailable
        default: .internalServerError
        }
    }
}
