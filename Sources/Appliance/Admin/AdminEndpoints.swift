import Consumers
import KafkaBridge
import Logging
import NIOHTTP1

/// What the admin port has under which path, for whom.
///
/// Who changes something brings a token, in a header or as a field of a form, or a session with the token that its forms bring along:
/// no other page can have a browser change anything.
struct AdminEndpoints: Sendable {
    let observer: ProcessObserver
    let actions: AdminActions
    let door: AdminDoor
    let desk: EventDesk
    let logger: Logger

    /// Whether it is answered whatever others ask: what a probe asks takes no time.
    static func isProbe(_ path: [String]) -> Bool { path == ["healthz"] || path == ["readyz"] }

    func respond(_ request: AdminRequest) async -> AdminResponse {
        guard let found = AdminRoute.find(request.path) else { return Self.notFound(request) }
        switch request.method {
        case .GET, .HEAD:
            guard let route = found.get else { return .notAllowed(found.methods) }
            return await look(request, route, found.parameters)
        case .POST:
            guard let route = found.post else { return .notAllowed(found.methods) }
            switch route {
            case .signIn: return signIn(request)
            case .signOut: return signOut(request)
            default: return await change(request)
            }
        default: return .notAllowed(found.methods)
        }
    }

    private static func notFound(_ request: AdminRequest) -> AdminResponse {
        let text =
            "not found; there are the pages at /, /healthz, /readyz, /metrics, and the API that /api/openapi.json describes"
        if request.path.first == "api" { return refusal(.notFound, text, request, isPage: false) }
        return AdminResponse(.notFound, text + "\n")
    }

    // MARK: Looking

    private func look(
        _ request: AdminRequest, _ route: AdminRoute, _ parameters: [String: String]
    ) async -> AdminResponse {
        let caller = door.caller(of: request)
        if let refusal = refusal(request, route, caller) { return refusal }
        switch route {
        case .health: return AdminResponse(.ok, "ok\n")
        case .ready: return await readiness()
        case .metrics: return AdminResponse(.ok, await observer.metrics(), as: .metrics)
        case .style: return AdminResponse(.ok, DashboardAssets.style, as: .style)
        case .script: return AdminResponse(.ok, DashboardAssets.script, as: .script)
        case .mark, .icon: return AdminResponse(.ok, Mark.file, as: .image)
        case .signInPage:
            let next = LocalPath.safe(request.query["next"])
            return caller.isSignedIn || !caller.canSignIn
                ? .seeOther(next) : AdminResponse(.ok, SignInPage.html(next: next))
        default: break
        }
        if route.isPage {
            let context = PageContext(
                caller: caller, route: route, path: request.target, note: request.query["done"],
                hidesPayloads: actions.configuration.admin.hidesPayloads, isChangeable: door.tokens.canChange)
            return await ConsolePages(self, request, context).page(parameters)
        }
        return await ConsoleAPI(self, request).answer(route, parameters)
    }

    /// Why a caller may not look; `nil` where it may.
    private func refusal(_ request: AdminRequest, _ route: AdminRoute, _ caller: AdminCaller) -> AdminResponse? {
        if !caller.canSignIn, !route.isForEveryHost, !LocalHost.isLocal(request.origin.hostName) {
            // A page of elsewhere can have its own name lead here.
            let text =
                "without a token this is shown only under an address such as 127.0.0.1 or localhost: "
                + "open this port under one, or configure \"admin.token_file\""
            return Self.refusal(.forbidden, text, request, isPage: route.isPage)
        }
        guard case .role(let role) = route.need else { return nil }
        guard caller.role < role else { return nil }
        guard route.isPage else {
            return Self.refusal(
                .unauthorized, "a token is needed: send `authorization: Bearer TOKEN`, or sign in at /signin", request,
                isPage: false)
        }
        if request.bearer != nil { return Self.refusal(.unauthorized, "the token is wrong", request, isPage: true) }
        let path = LocalPath.safe(request.target)
        if request.origin.isFollowedLink, request.sessionID == nil {
            return AdminResponse(.ok, SignInPage.again(path))
        }
        return .seeOther("/signin" + (path == "/" ? "" : "?next=\(PercentCoding.encode(path))"))
    }

    private func readiness() async -> AdminResponse {
        let reasons = await observer.reasonsNotReady()
        if reasons.isEmpty { return AdminResponse(.ok, "ready\n") }
        return AdminResponse(.serviceUnavailable, reasons.map { $0 + "\n" }.joined())
    }

    // MARK: In and out

    private func signIn(_ request: AdminRequest) -> AdminResponse {
        var request = request
        guard request.isForm, request.readBody() else {
            return Self.refusal(.badRequest, "the body is no form", request, isPage: true)
        }
        let next = LocalPath.safe(request.fields["next"])
        switch door.signIn(request) {
        case .done(let id):
            var response = AdminResponse.seeOther(next)
            response.cookie = request.origin.cookie(id)
            return response
        case .wrong: return AdminResponse(.unauthorized, SignInPage.html(next: next, problem: .wrong))
        case .foreign: return AdminResponse(.forbidden, SignInPage.html(next: next, problem: .foreign))
        case .tooMany(let wait):
            var response = AdminResponse(.tooManyRequests, SignInPage.html(next: next, problem: .tooMany(wait)))
            response.retryAfter = wait
            return response
        }
    }

    private func signOut(_ request: AdminRequest) -> AdminResponse {
        var request = request
        guard request.isForm, request.readBody(), door.signOut(request) else {
            return Self.refusal(
                .forbidden, "the form is not of this session: load the page again", request, isPage: true)
        }
        var response = AdminResponse.seeOther("/signin")
        response.cookie = request.origin.endOfCookie
        return response
    }

    // MARK: Changing

    private func change(_ request: AdminRequest) async -> AdminResponse {
        var request = request
        var knownCaller = AdminCaller.anyone
        do {
            // Only a form may bring the token in its body: what others send is not looked at before it is known who they are.
            var isRead = false
            if request.bearer == nil, request.isForm { isRead = request.readBody() }
            let caller: AdminCaller
            do throws(AdminDoor.Refusal) {
                caller = try door.operating(request)
                knownCaller = caller
            } catch {
                return refusal(error, request)
            }
            let takesLists = request.path == ["api", "jobs"] || request.path.starts(with: ["api", "parked"])
            guard isRead || request.readBody(takesLists: takesLists) else {
                return Self.changeRefusal(
                    .badRequest, "the body is neither a form nor a JSON object of plain members", request)
            }
            guard let action = try AdminActions.Action(request) else { return Self.notFound(request) }
            let (result, isNew, outcome) = try await actions.perform(action, for: request, by: caller)
            if let outcome, outcome.changed.isEmpty, let refusal = outcome.refused.first, outcome.refused.count == 1 {
                return Self.changeRefusal(.conflict, refusal.reason, request)
            }
            if let outcome, !outcome.refused.isEmpty {
                return Self.partly(outcome, nil, outcome.changed.isEmpty ? .conflict : .ok, request, caller)
            }
            guard request.isForm, let page = action.page else {
                return AdminResponse(isNew ? .created : .ok, result.indentedText + "\n", as: .json)
            }
            if case .makeJob(let made) = action, made.isDryRun {
                let context = PageContext(
                    caller: caller, route: .jobs, path: JobsPage.path, isChangeable: true)
                return AdminResponse(.ok, JobsPage.count(result, context))
            }
            let note = if case .makeJob = action, !isNew { "exists" } else { action.note }
            return .seeOther(Self.back(request, page, note))
        } catch let error as DecisionsCutShort {
            let failure = Failure(error.cause)
            return Self.partly(
                error.outcome, failure.message, Self.status(of: failure, error.cause), request, knownCaller)
        } catch let error as DeadLetterError {
            return Self.changeRefusal(.conflict, error.description, request)
        } catch {
            let failure = Failure(error)
            let status = Self.status(of: failure, error)
            // What fails under way may have been done all the same.
            let isUnknown =
                [.databaseUnreachable, .databaseBusy].contains(failure.status) || status == .internalServerError
            return Self.changeRefusal(status, failure.message, request, isUnknown: isUnknown)
        }
    }

    /// To the page that the form stood on, which says what was done.
    private static func back(_ request: AdminRequest, _ page: String, _ note: String) -> String {
        let given = request.fields["back"].map { LocalPath.safe($0) } ?? "/"
        let target = given == "/" ? page : given
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let kept = parts.count > 1 ? parts[1].split(separator: "&").filter { !$0.hasPrefix("done=") } : []
        return parts[0] + "?" + (kept + ["done=\(PercentCoding.encode(note))"[...]]).joined(separator: "&")
    }

    private func refusal(_ refusal: AdminDoor.Refusal, _ request: AdminRequest) -> AdminResponse {
        if refusal != .off {
            logger.warning(
                "a change was refused: \(refusal == .viewer ? "a viewer's token" : refusal == .foreign ? "a form of another page" : "wrong token")",
                metadata: ["remote": "\(request.remote)"])
        }
        return switch refusal {
        case .off:
            Self.changeRefusal(
                .forbidden, "nothing can be changed over the admin port: \"admin.token_file\" is not configured",
                request)
        case .unknown:
            Self.changeRefusal(
                .unauthorized,
                "the token is wrong: send `authorization: Bearer TOKEN`, or the form's token, or sign in at /signin",
                request)
        case .viewer:
            Self.changeRefusal(
                .forbidden, "the token is a viewer's, who may look and change nothing: sign in with the operator's",
                request)
        case .foreign:
            Self.changeRefusal(
                .forbidden, "the form is not of this session, or came from another page: load the page again", request)
        }
    }

    private static func changeRefusal(
        _ status: HTTPResponseStatus, _ reason: String, _ request: AdminRequest, isUnknown: Bool = false
    ) -> AdminResponse {
        let unknown = "It is not known whether anything was changed"
        if request.isForm {
            return refusal(status, reason, request, isPage: true, title: isUnknown ? unknown : "Nothing was changed")
        }
        let text = isUnknown ? "\(reason). \(unknown): look before it is asked for again" : reason
        return refusal(status, text, request, isPage: false)
    }

    /// The answer where not all of several decisions were taken.
    private static func partly(
        _ outcome: ParkedOutcome, _ failure: String?, _ status: HTTPResponseStatus, _ request: AdminRequest,
        _ caller: AdminCaller
    ) -> AdminResponse {
        guard request.isForm else {
            let reason = failure ?? (outcome.changed.isEmpty ? outcome.refused.first?.reason : nil)
            let error = reason.map { [JSONValue.Member("error", .string($0))] } ?? []
            return AdminResponse(status, JSONValue.object(error + outcome.members).indentedText + "\n", as: .json)
        }
        let given = request.fields["back"].map { LocalPath.safe($0) } ?? "/"
        let context = PageContext(
            caller: caller, route: .parked, path: given == "/" ? "/parked" : given, isChangeable: true)
        return AdminResponse(status, outcome.html(failure: failure, context))
    }

    static func refusal(
        _ status: HTTPResponseStatus, _ reason: String, _ request: AdminRequest, isPage: Bool,
        title: String? = nil
    ) -> AdminResponse {
        if isPage {
            let isOfJobs = request.path.count > 1 && request.path[1] == "jobs"
            var back = isOfJobs ? JobsPage.path : "/"
            if request.path.count > 2, request.path[1] == "consumers" { back = PageFrame.path(of: request.path[2]) }
            if request.path.starts(with: ["api", "parked"]) { back = "/parked" }
            let usual = request.method == .POST ? "Nothing was changed" : "This cannot be shown"
            return AdminResponse(status, PageFrame.message(title ?? usual, reason, back: back))
        }
        let body: JSONValue = ["error": .string(reason)]
        return AdminResponse(status, body.indentedText + "\n", as: .json)
    }

    static func status(of failure: Failure, _ error: any Error) -> HTTPResponseStatus {
        if case JobError.unknown = error { return .notFound }
        if case JobError.unsettled = error { return .serviceUnavailable }
        return switch failure.status {
        case .jobRefused, .ownedElsewhere, .conflict: .conflict
        case .usage, .input: .badRequest
        case .nothingSelected: .notFound
        case .databaseUnreachable, .databaseBusy, .schemaMissing: .serviceUnavailable
        default: .internalServerError
        }
    }
}

/// Names under which a browser of this machine, and no page of elsewhere, reaches this port.
enum LocalHost {
    /// Whether a host's name is an address, or one that no public name server has.
    static func isLocal(_ name: String) -> Bool {
        if name.isEmpty || name == "localhost" || name.hasSuffix(".localhost") || name.contains(":") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
