import Foundation
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The admin port of a `godwit run`, asked over HTTP as its users do.
struct AdminPort {
    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String

        var json: JSONValue { get throws { try JSONParser.parse(body) } }
    }

    let port: Int

    init() throws {
        port = Int(try LoopbackPort.free())
    }

    var variables: [String: String] { ["GODWIT_ADMIN_LISTEN": "127.0.0.1:\(port)"] }

    func get(
        _ path: String, method: String = "GET", token: String? = nil, headers: [String: String] = [:],
        followsRedirects: Bool = true
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpShouldHandleCookies = false
        if method == "POST" { request.httpBody = Data("{}".utf8) }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if followsRedirects { return try await answer(request, URLSession.shared) }
        let session = URLSession(configuration: .ephemeral, delegate: StaysHere(), delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        return try await answer(request, session)
    }

    /// Posts a body, as JSON unless said otherwise.
    func post(
        _ path: String, _ body: String = "", type: String = "application/json", token: String? = nil,
        headers: [String: String] = [:], followsRedirects: Bool = true
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        request.httpShouldHandleCookies = false
        request.setValue(type, forHTTPHeaderField: "content-type")
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let session = URLSession(
            configuration: .ephemeral, delegate: followsRedirects ? nil : StaysHere(), delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        return try await answer(request, session)
    }

    private func answer(_ request: URLRequest, _ session: URLSession) async throws -> Answer {
        let (data, response) = try await session.data(for: request)
        let http = response as? HTTPURLResponse
        let headers = (http?.allHeaderFields ?? [:]).reduce(into: [:]) { headers, field in
            headers["\(field.key)".lowercased()] = "\(field.value)"
        }
        return Answer(status: http?.statusCode ?? 0, headers: headers, body: String(decoding: data, as: UTF8.self))
    }

    /// Waits for a status at a path; the port may not be open yet.
    func wait(for status: Int, at path: String) async throws {
        try await eventually("\(path) answers \(status)") { (try? await get(path))?.status == status }
    }

    /// The values of a metric's series, by their labels.
    func metric(_ name: String) async throws -> [String: Double] {
        try await get("/metrics").body.split(separator: "\n").reduce(into: [:]) { values, line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let series = parts.first, series.prefix(while: { $0 != "{" }) == name else {
                return
            }
            values[String(series.dropFirst(name.count))] = Double(parts[1])
        }
    }
}

/// Shows redirections instead of following them.
private final class StaysHere: NSObject, URLSessionTaskDelegate, Sendable {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
