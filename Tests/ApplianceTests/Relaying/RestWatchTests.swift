import Testing

@testable import Appliance

@Suite struct RestWatchTests {
    private let start = ContinuousClock.now

    @Test func `rest after work is noticed once, and the start counts as work`() {
        var watch = RestWatch(used: .milliseconds(50), at: start)
        func look(_ second: Int, _ used: Duration) -> Bool { watch.look(used: used, at: start + .seconds(second)) }
        #expect(look(10, .milliseconds(60)))
        #expect(!look(20, .milliseconds(70)))
        #expect(!look(30, .milliseconds(4_000)))
        #expect(!look(40, .milliseconds(9_000)))
        #expect(look(50, .milliseconds(9_010)))
        #expect(!look(60, .milliseconds(9_020)))
    }

    @Test func `a little work now and then is rest`() {
        var watch = RestWatch(used: .zero, at: start)
        _ = watch.look(used: .milliseconds(10), at: start + .seconds(10))
        for look in 2..<100 {
            // One percent of a core.
            let isNew = watch.look(used: .milliseconds(100 * look), at: start + .seconds(10 * look))
            #expect(!isNew)
        }
    }
}
