import TestSupport
import Testing

@testable import KafkaBridge

/// The life of a job, which needs no clock and no server.
@Suite struct JobLifeTests {
    @Test func `what an operator asks for leads where it is expected to`() throws {
        struct Case {
            let from: JobLife
            let request: JobLife.Request
            let to: JobLife
        }
        let cases = [
            Case(from: JobLife(.queued, wish: .run), request: .stop, to: JobLife(.stopped)),
            Case(from: JobLife(.created), request: .stop, to: JobLife(.stopped)),
            Case(
                from: JobLife(.running, wish: .run, isHeld: true), request: .stop,
                to: JobLife(.running, wish: .stop, isHeld: true)),
            // A command that runs it notices the wish too.
            Case(
                from: JobLife(.running, isHeld: true), request: .stop, to: JobLife(.running, wish: .stop, isHeld: true)),
            Case(from: JobLife(.running, wish: .run), request: .stop, to: JobLife(.stopped)),
            Case(from: JobLife(.stopped), request: .stop, to: JobLife(.stopped)),
            Case(from: JobLife(.failed), request: .stop, to: JobLife(.failed)),
            Case(from: JobLife(.stopped), request: .resume, to: JobLife(.queued, wish: .run)),
            Case(from: JobLife(.failed), request: .resume, to: JobLife(.queued, wish: .run)),
            Case(from: JobLife(.created), request: .resume, to: JobLife(.queued, wish: .run)),
            Case(from: JobLife(.running), request: .resume, to: JobLife(.queued, wish: .run)),
            Case(from: JobLife(.running, wish: .stop), request: .resume, to: JobLife(.queued, wish: .run)),
            Case(
                from: JobLife(.running, wish: .stop, isHeld: true), request: .resume,
                to: JobLife(.running, wish: .run, isHeld: true)),
            Case(from: JobLife(.running, isHeld: true), request: .resume, to: JobLife(.running, isHeld: true)),
            Case(
                from: JobLife(.running, wish: .run, isHeld: true), request: .cancel,
                to: JobLife(.cancelled, isHeld: true)),
            Case(from: JobLife(.failed), request: .cancel, to: JobLife(.cancelled)),
        ]
        for one in cases {
            var life = one.from
            let isChanged = try life.apply(one.request, to: "j")
            #expect(life == one.to, "\(one.from) \(one.request)")
            #expect(isChanged == (one.from != one.to))
        }
        for state in [JobLife.State.done, .cancelled] {
            for request in JobLife.Request.allCases {
                var life = JobLife(state)
                #expect(throws: JobError.self) { try life.apply(request, to: "j") }
                #expect(life == JobLife(state))
            }
        }
    }

    /// Operators, processes that begin, end, die and come back, in any order.
    @Test(arguments: seeds(200, of: "lives of jobs"))
    func `whatever happens, a job has one runner, ends once, and what was asked last holds`(seed: UInt64) throws {
        var random = Seeded(seed)
        var life = JobLife(Bool.random(using: &random) ? .queued : .created)
        if life.state == .queued { life.wish = .run }
        /// What was asked last: whether to run, to stop, or nothing.
        var asked: JobLife.Request?
        var runner: JobLife.Runner?
        for _ in 0..<200 {
            let before = life
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                let request = JobLife.Request.allCases.randomElement(using: &random) ?? .stop
                if request == .cancel, Int.random(in: 0..<10, using: &random) > 0 { continue }
                do {
                    _ = try life.apply(request, to: "j")
                    asked = request
                } catch {
                    #expect(before.state.isFinal && life == before)
                }
            case 2:
                let candidate = JobLife.Runner.allCases.randomElement(using: &random) ?? .relay
                if life.begin(candidate) {
                    #expect(runner == nil && !before.state.isFinal)
                    if candidate == .relay { #expect(before.wish == .run, "no relay takes what is not wished") }
                    if candidate == .relay { #expect(asked != .stop || before.state != .stopped) }
                    runner = candidate
                    if candidate == .command { asked = nil }
                }
            case 3:
                // The process dies.
                life.isHeld = false
                runner = nil
            default:
                guard runner != nil else { continue }
                let endings: [JobLife.Ending] = [.done, .stopped, .failed(passes: true), .failed(passes: false)]
                let ending = endings.randomElement(using: &random) ?? .done
                life.end(ending)
                runner = nil
                if before.state == .cancelled { #expect(life.state == .cancelled) }
                if before.state == .running {
                    switch (ending, before.wish) {
                    case (.done, _): #expect(life.state == .done)
                    case (.stopped, .run), (.failed(passes: true), .run): #expect(life.state == .queued)
                    case (.stopped, _): #expect(life.state == .stopped)
                    case (.failed, _): #expect(life.state == .failed)
                    }
                }
            }
            if before.state.isFinal { #expect(life.state == before.state, "what has ended comes back") }
            #expect(life.isHeld == (runner != nil))
            #expect(life.state != .queued || life.wish == .run, "nobody would ever take it")
            if life.state.isFinal || life.state == .stopped || life.state == .failed { #expect(life.wish == .none) }
            if asked == .stop, life.state == .running { #expect(life.wish == .stop) }
            if asked == .cancel { #expect(life.state == .cancelled) }
        }
    }

    @Test func `a word distinguishes a process that runs a job from one that has died`() {
        #expect(JobLife(.running, wish: .run, isHeld: true).word == "running")
        #expect(JobLife(.running, wish: .stop, isHeld: true).word == "stopping")
        #expect(JobLife(.running, wish: .run).word == "queued")
        #expect(JobLife(.running, wish: .stop).word == "stopped")
        #expect(JobLife(.running).word == "interrupted")
        #expect(JobLife(.failed).waitsForOperator && !JobLife(.queued, wish: .run).waitsForOperator)
    }

    @Test func `what fails by itself is tried again after longer and longer pauses`() {
        #expect(JobLife.pause(afterAttempts: 1) == .seconds(5))
        #expect(JobLife.pause(afterAttempts: 2) == .seconds(10))
        #expect(JobLife.pause(afterAttempts: 100) == .seconds(300))
        #expect(
            JobLife.pause(afterAttempts: Int.max) == .seconds(300) && JobLife.pause(afterAttempts: 0) == .seconds(5))
    }

    @Test func `a repetition takes the next free number`() {
        #expect(JobName.next(after: "january", taken: []) == "january-2")
        #expect(JobName.next(after: "january", taken: ["january-2"]) == "january-3")
        #expect(JobName.next(after: "january-2", taken: ["january-2"]) == "january-3")
        // Not a repetition's number.
        for name in ["2026-11", "x-1", "x-02", "-2", "x-1000"] {
            #expect(JobName.next(after: name, taken: []) == (name == "2026-11" ? "2026-2" : "\(name)-2"))
        }
        let long = String(repeating: "x", count: 100)
        #expect(JobName.isValid(JobName.next(after: long, taken: [])))
    }
}
