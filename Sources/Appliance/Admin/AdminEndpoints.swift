import NIOHTTP1

/// What the admin port has under which path. Nothing here changes anything, so nothing needs the token.
struct AdminEndpoints: Sendable {
    let observer: RelayObserver

    func respond(_ method: HTTPMethod, _ uri: String) async -> AdminResponse {
        let path = uri.prefix { $0 != "?" }
        guard let endpoint = endpoint(path) else {
            return AdminResponse(.notFound, "not found; there are /healthz, /readyz, /metrics and /api/status\n")
        }
        guard method == .GET || method == .HEAD else {
            return AdminResponse(.methodNotAllowed, "only GET and HEAD are allowed here\n")
        }
        return await endpoint()
    }

    private func endpoint(_ path: Substring) -> (() async -> AdminResponse)? {
        switch path {
        case "/healthz": { AdminResponse(.ok, "ok\n") }
        case "/readyz": { await readiness() }
        case "/metrics": { AdminResponse(.ok, await observer.metrics(), as: .metrics) }
        case "/api/status": { AdminResponse(.ok, await observer.status().json.indentedText + "\n", as: .json) }
        default: nil
        }
    }

    private func readiness() async -> AdminResponse {
        let reasons = await observer.reasonsNotReady()
        if reasons.isEmpty { return AdminResponse(.ok, "ready\n") }
        return AdminResponse(.serviceUnavailable, reasons.map { $0 + "\n" }.joined())
    }
}
