import NIOHTTP1

/// Everything that the admin port has: one list, by which requests are answered, roles are asked for, and the API is described.
enum AdminRoute: Sendable, Hashable, CaseIterable {
    case health, ready, metrics, style, script, mark, icon
    case signInPage, signIn, signOut
    case overview, consumer, events, event, parked, jobs, processes, completeness, audit
    case apiDescription, apiStatus, apiJobs, apiJob, apiEvents, apiEvent, apiParked, apiProcesses, apiCompleteness,
        apiAudit
    case logLevel, makeJob, stopJob, resumeJob, cancelJob, repeatJob
    case pause, resume, rate, rateOff, redrive, discard, redriveSeveral, discardSeveral, parkSeveral

    /// What a caller needs to be.
    enum Need: Sendable, Hashable {
        /// Nothing: probes, metrics, and what they show too.
        case nothing
        case role(AdminRole)
    }

    /// With the names of its parameters in braces.
    var template: String {
        switch self {
        case .health: "/healthz"
        case .ready: "/readyz"
        case .metrics: "/metrics"
        case .style: "/assets/style.css"
        case .script: "/assets/script.js"
        case .mark: "/assets/mark.svg"
        case .icon: "/favicon.ico"
        case .signInPage, .signIn: "/signin"
        case .signOut: "/signout"
        case .overview: "/"
        case .consumer: "/consumers/{consumer}"
        case .events: "/events"
        case .event: "/events/{position}"
        case .parked: "/parked"
        case .jobs: "/jobs"
        case .processes: "/processes"
        case .completeness: "/completeness"
        case .audit: "/audit"
        case .apiDescription: "/api/openapi.json"
        case .apiStatus: "/api/status"
        case .apiJobs, .makeJob: "/api/jobs"
        case .apiJob: "/api/jobs/{job}"
        case .apiEvents: "/api/events"
        case .apiEvent: "/api/events/{position}"
        case .apiParked: "/api/parked"
        case .apiProcesses: "/api/processes"
        case .apiCompleteness: "/api/completeness"
        case .apiAudit: "/api/audit"
        case .logLevel: "/api/log-level"
        case .stopJob: "/api/jobs/{job}/stop"
        case .resumeJob: "/api/jobs/{job}/resume"
        case .cancelJob: "/api/jobs/{job}/cancel"
        case .repeatJob: "/api/jobs/{job}/again"
        case .pause: "/api/consumers/{consumer}/pause"
        case .resume: "/api/consumers/{consumer}/resume"
        case .rate: "/api/consumers/{consumer}/rate"
        case .rateOff: "/api/consumers/{consumer}/rate/off"
        case .redrive: "/api/consumers/{consumer}/parked/{position}/redrive"
        case .discard: "/api/consumers/{consumer}/parked/{position}/discard"
        case .redriveSeveral: "/api/parked/redrive"
        case .discardSeveral: "/api/parked/discard"
        case .parkSeveral: "/api/parked/park"
        }
    }

    var isPost: Bool {
        switch self {
        case .signIn, .signOut, .logLevel, .makeJob, .stopJob, .resumeJob, .cancelJob, .repeatJob, .pause, .resume,
            .rate,
            .rateOff, .redrive, .discard, .redriveSeveral, .discardSeveral, .parkSeveral:
            true
        default: false
        }
    }

    var need: Need {
        switch self {
        case .health, .ready, .metrics, .style, .script, .mark, .icon, .signInPage, .signIn, .signOut, .apiDescription,
            .apiStatus, .apiJobs, .apiJob:
            .nothing
        default: isPost ? .role(.operator) : .role(.viewer)
        }
    }

    /// Whether it is answered under any host name, also where no token is configured: what it shows is no secret.
    var isForEveryHost: Bool {
        switch self {
        case .health, .ready, .metrics, .style, .script, .mark, .icon, .apiDescription: true
        default: false
        }
    }

    /// Whether it asks databases, or brokers, anew: others show what was read before.
    var searches: Bool {
        switch self {
        case .events, .event, .parked, .jobs, .audit, .apiEvents, .apiEvent, .apiParked, .apiJobs, .apiJob, .apiAudit:
            true
        default: false
        }
    }

    /// Whether a browser shows it as a page.
    var isPage: Bool {
        switch self {
        case .overview, .consumer, .events, .event, .parked, .jobs, .processes, .completeness, .audit: true
        default: false
        }
    }

    // MARK: Finding

    /// What a path leads to, whatever the method.
    struct Found: Sendable {
        /// The one that answers GET, and the one that answers POST.
        var get: AdminRoute?
        var post: AdminRoute?
        /// By their names in the template.
        var parameters: [String: String] = [:]

        /// The methods that there are, for `allow`.
        var methods: String {
            [get == nil ? nil : "GET, HEAD", post == nil ? nil : "POST"].compactMap(\.self).joined(separator: ", ")
        }
    }

    /// - Returns: `nil` where there is nothing.
    static func find(_ path: [String]) -> Found? {
        var found = Found()
        for (route, template) in templates {
            guard let parameters = match(path, template) else { continue }
            // The first one counts, so that words come before parameters.
            if route.isPost { found.post = found.post ?? route } else { found.get = found.get ?? route }
            found.parameters = parameters
        }
        return found.get == nil && found.post == nil ? nil : found
    }

    private static let templates = allCases.map { ($0, $0.template.split(separator: "/").map(String.init)) }

    private static func match(_ path: [String], _ template: [String]) -> [String: String]? {
        guard path.count == template.count else { return nil }
        var parameters: [String: String] = [:]
        for (part, wanted) in zip(path, template) {
            if wanted.first == "{" {
                let name = String(wanted.dropFirst().dropLast())
                // A position is a number; anything else there is nothing.
                if name == "position", Int64(part).map({ $0 > 0 }) != true { return nil }
                parameters[name] = part
            } else if part != wanted {
                return nil
            }
        }
        return parameters
    }
}
