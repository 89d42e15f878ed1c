import Dispatch
import Foundation
import Synchronization

/// A child process in flight whose output a test can wait on.
package final class RunningCommand: Sendable {
    private struct State {
        var output = Data()
        var error = Data()
        var open = 3
        var exitCode: Int32?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    package let processID: Int32
    private let state = Mutex(State())

    init(_ command: Command) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command.program)
        process.arguments = command.arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !command.without.contains($0.key) }.merging(command.environment) { $1 }
        if let folder = command.folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let (input, output, error) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = error
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        processID = process.processIdentifier
        Self.onThread { [self] in
            Self.read(output.fileHandleForReading) { data in change { $0.output.append(data) } }
            change { $0.open -= 1 }
        }
        Self.onThread { [self] in
            Self.read(error.fileHandleForReading) { data in change { $0.error.append(data) } }
            change { $0.open -= 1 }
        }
        let bytes = Data((command.input ?? "").utf8)
        Self.onThread {
            try? input.fileHandleForWriting.write(contentsOf: bytes)
            try? input.fileHandleForWriting.close()
        }
        Self.onThread { [self] in
            ended.wait()
            let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            change {
                $0.exitCode = code
                $0.open -= 1
            }
        }
    }

    package var standardOutput: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    package var standardError: String { state.withLock { String(decoding: $0.error, as: UTF8.self) } }

    package func send(_ signal: Int32) {
        kill(processID, signal)
    }

    /// Waits until it has ended and everything it wrote is here. The code is negative for a signal.
    package func result() async -> Command.Result {
        await wait { $0.open == 0 }
        return Command.Result(
            exitCode: state.withLock { $0.exitCode ?? -1 }, standardOutput: standardOutput, standardError: standardError
        )
    }

    /// Waits until its standard output holds a text, or it has ended; says which.
    package func waitForOutput(_ text: String) async -> Bool {
        await wait { $0.open == 0 || String(decoding: $0.output, as: UTF8.self).contains(text) }
        return standardOutput.contains(text)
    }

    /// Waits until its standard error holds a text, or it has ended; says which.
    package func waitForError(_ text: String) async -> Bool {
        await wait { $0.open == 0 || String(decoding: $0.error, as: UTF8.self).contains(text) }
        return standardError.contains(text)
    }

    private func wait(until holds: @Sendable (State) -> Bool) async {
        while true {
            let done = state.withLock { holds($0) }
            if done { return }
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if holds(state) { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Hands on what comes as it comes, to the end.
    private static func read(_ handle: FileHandle, _ body: (Data) -> Void) {
        while case let data = handle.availableData, !data.isEmpty { body(data) }
        // Foundation leaves the descriptor open after the process has ended: a test that polls a command would gather thousands.
        try? handle.close()
    }

    /// Reads and waits that block have threads of their own, off the cooperative pool.
    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        Thread(block: body).start()
    }
}
