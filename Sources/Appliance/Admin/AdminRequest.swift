import NIOHTTP1

/// What somebody asks of the admin port.
struct AdminRequest: Sendable {
    let method: HTTPMethod
    /// The components of the path, decoded.
    let path: [String]
    let query: [String: String]
    /// What the body says: the fields of a form, or the members of a JSON object; empty until ``readBody()``.
    private(set) var fields: [String: String] = [:]
    private let body: String
    /// Whether a browser sent a form, and wants a page for an answer.
    let isForm: Bool
    /// The token of the header `authorization`.
    let bearer: String?
    /// The address it comes from.
    let remote: String

    /// `nil` where the head cannot be read.
    init?(_ head: HTTPRequestHead, body: String, remote: String) {
        method = head.method
        self.remote = remote
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path: [String] = []
        for part in parts[0].split(separator: "/") {
            guard let part = PercentCoding.decode(part) else { return nil }
            path.append(part)
        }
        self.path = path
        guard let query = Self.form(parts.count > 1 ? parts[1] : "") else { return nil }
        self.query = query
        let authorization = head.headers.first(name: "authorization") ?? ""
        let scheme = authorization.prefix(7)
        bearer = scheme.lowercased() == "bearer " ? String(authorization.dropFirst(7)) : nil
        let type = (head.headers.first(name: "content-type") ?? "").prefix { $0 != ";" }
        isForm = type.lowercased() == "application/x-www-form-urlencoded"
        self.body = body
    }

    /// Takes the body apart. False if it cannot be read.
    mutating func readBody() -> Bool {
        guard let read = body.isEmpty ? [:] : isForm ? Self.form(body[...]) : Self.members(body) else { return false }
        fields = read
        return true
    }

    private static func form(_ text: Substring) -> [String: String]? {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(parts[0], plusIsSpace: true),
                let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { return nil }
            fields[name] = value
        }
        return fields
    }

    private static func members(_ text: String) -> [String: String]? {
        guard case .object(let members)? = try? JSONParser.parse(text) else { return nil }
        var fields: [String: String] = [:]
        for member in members {
            switch member.value {
            case .string(let text), .number(let text): fields[member.name] = text
            case .boolean(let value): fields[member.name] = "\(value)"
            case .null: continue
            case .array, .object: return nil
            }
        }
        return fields
    }
}
