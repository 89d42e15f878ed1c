import Foundation
import Testing

@testable import Appliance

/// A browser at the console: signs in, keeps the cookie, and sends forms as the pages have them.
struct ConsoleSession {
    let admin: AdminPort
    let cookie: String

    /// - Throws: where the token is refused.
    static func signIn(_ admin: AdminPort, token: String, actor: String = "Ada", cookie: String? = nil) async throws
        -> ConsoleSession
    {
        let answer = try await admin.post(
            "/signin", "token=\(PercentCoding.encode(token))&actor=\(PercentCoding.encode(actor))",
            type: "application/x-www-form-urlencoded", headers: cookie.map { ["cookie": $0] } ?? [:],
            followsRedirects: false)
        guard answer.status == 303, let header = answer.headers["set-cookie"] else {
            throw Failure(.internalError, "\(answer.status): \(answer.body)")
        }
        return ConsoleSession(admin: admin, cookie: String(header.prefix { $0 != ";" }))
    }

    func get(_ path: String) async throws -> AdminPort.Answer {
        try await admin.get(path, headers: ["cookie": cookie])
    }

    /// The token that the forms of a page bring along.
    func formToken(_ path: String = "/") async throws -> String {
        let body = try await get(path).body
        return try #require(body.firstMatch(of: #/name="form_token" value="([0-9a-f]{64})"/#)).output.1.description
    }

    /// Sends a form as a browser does that shows one of the pages.
    func post(
        _ path: String, _ fields: [(String, String)] = [], formToken: String? = nil, headers: [String: String] = [:]
    ) async throws -> AdminPort.Answer {
        let token: String
        if let formToken { token = formToken } else { token = try await self.formToken() }
        let body = ([("form_token", token)] + fields).map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
        return try await admin.post(
            path, body, type: "application/x-www-form-urlencoded",
            headers: [
                "cookie": cookie, "origin": "http://127.0.0.1:\(admin.port)", "sec-fetch-site": "same-origin",
            ].merging(headers) { $1 }, followsRedirects: false)
    }
}
