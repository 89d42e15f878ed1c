import NIOHTTP1

/// What a client asks of the admin port.
struct AdminRequest: Sendable {
    let method: HTTPMethod
    /// The components of the path, decoded.
    let path: [String]
    let query: [String: String]
    /// As it was asked for, with the query.
    let target: String
    /// What the body says: the fields of a form, or the members of a JSON object; empty until ``readBody(takesLists:)``.
    private(set) var fields: [String: String] = [:]
    /// The members as they were sent, lists among them; the fields of a form as texts, in order, each as often as it came.
    private(set) var members: [JSONValue.Member] = []
    private let body: String
    /// Whether a browser sent a form, and wants a page for an answer.
    let isForm: Bool
    /// The token of the header `authorization`.
    let bearer: String?
    /// The address it comes from.
    let remote: String
    /// What the browser says of where the request comes from.
    let origin: RequestOrigin

    /// `nil` where the head cannot be read.
    init?(_ head: HTTPRequestHead, body: String, remote: String) {
        method = head.method
        target = head.uri
        self.remote = remote
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path: [String] = []
        for part in parts[0].split(separator: "/") {
            guard let part = PercentCoding.decode(part) else { return nil }
            path.append(part)
        }
        self.path = path
        guard let query = Self.form(parts.count > 1 ? parts[1] : "") else { return nil }
        self.query = query.reduce(into: [:]) { $0[$1.name] = $1.value }
        let authorization = head.headers.first(name: "authorization") ?? ""
        let scheme = authorization.prefix(7)
        bearer = scheme.lowercased() == "bearer " ? String(authorization.dropFirst(7)) : nil
        let type = (head.headers.first(name: "content-type") ?? "").prefix { $0 != ";" }
        isForm = type.lowercased() == "application/x-www-form-urlencoded"
        origin = RequestOrigin(head.headers)
        self.body = body
    }

    /// The id of the browser's session; `nil` where it brings none.
    var sessionID: String? { origin.sessionID }

    /// Whether a browser's own words do not speak against it that one of these pages sent it.
    var isFromOwnPage: Bool { origin.isOwn }

    /// Takes the body apart. False if it cannot be read.
    ///
    /// - Parameter takesLists: whether members may be lists; then they are in ``members`` only.
    mutating func readBody(takesLists: Bool = false) -> Bool {
        if isForm {
            guard let read = Self.form(body[...]) else { return false }
            fields = read.reduce(into: [:]) { $0[$1.name] = $1.value }
            members = read.map { JSONValue.Member($0.name, .string($0.value)) }
            return true
        }
        if body.isEmpty { return true }
        guard case .object(let sent)? = try? JSONParser.parse(body) else { return false }
        guard let read = Self.fields(sent, takesLists: takesLists) else { return false }
        (fields, members) = (read, sent)
        return true
    }

    private static func form(_ text: Substring) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(parts[0], plusIsSpace: true),
                let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func fields(_ members: [JSONValue.Member], takesLists: Bool) -> [String: String]? {
        var fields: [String: String] = [:]
        for member in members {
            switch member.value {
            case .string(let text), .number(let text): fields[member.name] = text
            case .boolean(let value): fields[member.name] = "\(value)"
            case .null: continue
            case .array where takesLists: continue
            case .array, .object: return nil
            }
        }
        return fields
    }
}
