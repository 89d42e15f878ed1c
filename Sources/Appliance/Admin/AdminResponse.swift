import NIOHTTP1

/// What the admin port answers.
struct AdminResponse: Sendable, Equatable {
    enum Content: String, Sendable {
        case text = "text/plain; charset=utf-8"
        case json = "application/json"
        /// Prometheus' text format.
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
    }

    var status: HTTPResponseStatus
    var content: Content
    var body: String

    init(_ status: HTTPResponseStatus, _ body: String, as content: Content = .text) {
        self.status = status
        self.content = content
        self.body = body
    }
}
