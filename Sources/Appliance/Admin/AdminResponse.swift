import NIOHTTP1

/// What the admin port answers.
struct AdminResponse: Sendable, Equatable {
    enum Content: String, Sendable {
        case text = "text/plain; charset=utf-8"
        case json = "application/json"
        case html = "text/html; charset=utf-8"
        case style = "text/css; charset=utf-8"
        case script = "text/javascript; charset=utf-8"
        case image = "image/svg+xml"
        /// Prometheus' text format.
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
    }

    var status: HTTPResponseStatus
    var content: Content
    var body: String
    /// The methods that would have been right.
    var allowed: String?
    /// Where to go on.
    var location: String?
    /// What the browser is to keep, or to forget.
    var cookie: String?
    /// When to try again.
    var retryAfter: Duration?

    init(_ status: HTTPResponseStatus, _ body: String, as content: Content = .text) {
        self.status = status
        self.content = content
        self.body = body
    }

    init(_ status: HTTPResponseStatus, _ page: HTML) {
        self.init(status, page.text, as: .html)
    }

    static func seeOther(_ location: String) -> AdminResponse {
        var response = AdminResponse(.seeOther, "see \(location)\n")
        response.location = location
        return response
    }

    static func notAllowed(_ methods: String) -> AdminResponse {
        var response = AdminResponse(.methodNotAllowed, "only \(methods) are allowed here\n")
        response.allowed = methods
        return response
    }

    /// Without the body's length.
    var headers: HTTPHeaders {
        var headers: HTTPHeaders = [
            "content-type": content.rawValue, "connection": "close", "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            // With no referrer at all a browser would not say either that a form is this port's own.
            "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin", "x-frame-options": "DENY",
            // Nothing from outside, nothing inline, in nobody's frame: an event's text could do nothing even unescaped.
            "content-security-policy":
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ]
        if let allowed { headers.add(name: "allow", value: allowed) }
        if let location { headers.add(name: "location", value: location) }
        if let cookie { headers.add(name: "set-cookie", value: cookie) }
        if let retryAfter { headers.add(name: "retry-after", value: "\(max(1, retryAfter.components.seconds))") }
        if status == .unauthorized { headers.add(name: "www-authenticate", value: "Bearer") }
        return headers
    }
}
