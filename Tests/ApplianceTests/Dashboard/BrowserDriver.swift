import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Appliance

/// A headless Chromium that is told what to do, over its debugging pipe: one page, in which forms are filled in and sent.
final class BrowserDriver: Sendable {
    private let process: RunningCommand
    private let input: Int32
    private let output: Int32
    private let state = Mutex((next: 0, buffer: [UInt8](), session: ""))

    /// - Parameters:
    ///   - program: the browser, with its arguments.
    ///   - folder: for the pipe.
    init(_ program: String, _ arguments: [String], folder: String) async throws {
        let (inPath, outPath) = (folder + "/in", folder + "/out")
        guard mkfifo(inPath, 0o600) == 0, mkfifo(outPath, 0o600) == 0 else { throw Failure(.internalError, "no pipe") }
        // The browser reads its commands from descriptor 3 and answers on 4.
        let script = "exec \"$@\" 3<\"$PIPE_IN\" 4>\"$PIPE_OUT\""
        process = try Command(
            "/bin/bash", ["-c", script, "_", program, "--remote-debugging-pipe"] + arguments,
            environment: ["PIPE_IN": inPath, "PIPE_OUT": outPath]
        ).start()
        // Opened for both, so that neither end waits for the other.
        input = Glibc.open(inPath, O_RDWR)
        output = Glibc.open(outPath, O_RDWR | O_NONBLOCK)
        let target = try await call("Target.createTarget", ["url": "about:blank"])["targetId"] ?? .null
        let attached = try await call("Target.attachToTarget", ["targetId": target, "flatten": true])
        state.withLock { $0.session = attached["sessionId"]?.string ?? "" }
        _ = try await call("Page.enable", [:])
    }

    func end() {
        process.send(SIGKILL)
        close(input)
        close(output)
    }

    func open(_ url: String) async throws {
        _ = try await evaluate("document.documentElement.dataset.left = 1")
        _ = try await call("Page.navigate", ["url": .string(url)])
        try await arrive()
    }

    /// What an expression gives, as text.
    func evaluate(_ expression: String) async throws -> String {
        let answer = try await call(
            "Runtime.evaluate",
            ["expression": .string("String(\(expression))"), "returnByValue": true, "awaitPromise": true])
        if let exception = answer["exceptionDetails"] {
            throw Failure(.internalError, "\(expression): \(exception.text)")
        }
        return answer["result"]?["value"]?.string ?? ""
    }

    /// Fills fields in, presses a button, and waits for the page that comes.
    func submit(_ fields: [String: String], by button: String) async throws {
        for (id, value) in fields {
            _ = try await evaluate("document.getElementById('\(id)').value = '\(value)'")
        }
        _ = try await evaluate(
            "(document.documentElement.dataset.left = 1, window.confirm = () => true, document.querySelector(\"\(button)\").click())"
        )
        try await arrive()
    }

    private func arrive() async throws {
        try await eventually("the page never comes") {
            let isThere = try? await evaluate(
                "document.readyState === 'complete' && !document.documentElement.dataset.left")
            return isThere == "true"
        }
    }

    private func call(_ method: String, _ parameters: JSONValue) async throws -> JSONValue {
        let (id, session) = state.withLock { state in
            state.next += 1
            return (state.next, state.session)
        }
        var members: [JSONValue.Member] = [
            .init("id", .number(id)), .init("method", .string(method)), .init("params", parameters),
        ]
        if !session.isEmpty { members.append(.init("sessionId", .string(session))) }
        let bytes = Array(JSONValue.object(members).text.utf8) + [0]
        guard Glibc.write(input, bytes, bytes.count) == bytes.count else {
            throw Failure(.internalError, "the pipe is full")
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let message = try receive() {
                guard message["id"]?.integer == id else { continue }
                if let error = message["error"] { throw Failure(.internalError, "\(method): \(error.text)") }
                return message["result"] ?? .null
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(.internalError, "the browser does not answer to \(method)")
    }

    /// The next message, if it is there.
    private func receive() throws -> JSONValue? {
        try state.withLock { state in
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            while !state.buffer.contains(0) {
                let count = Glibc.read(output, &piece, piece.count)
                guard count > 0 else { return nil }
                state.buffer += piece.prefix(count)
            }
            guard let end = state.buffer.firstIndex(of: 0) else { return nil }
            let message = String(decoding: state.buffer[..<end], as: UTF8.self)
            state.buffer.removeFirst(end + 1)
            return try JSONParser.parse(message)
        }
    }
}
