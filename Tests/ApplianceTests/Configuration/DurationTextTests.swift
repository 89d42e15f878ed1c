import Consumers
import TestSupport
import Testing

@testable import Appliance

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250us", Duration.microseconds(250)), ("500ms", .milliseconds(500)), ("30s", .seconds(30)),
        ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("7d", .seconds(604_800)), ("1.5s", .milliseconds(1500)),
        ("0.25ms", .microseconds(250)), ("0", .zero),
        ("0s", .zero),
    ])
    func `a duration is read`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "1 s", "1.s", ".5s", "1.2.3s", "1w", "1S", "٣s", "99999999999999999999s",
        "9223372036854775807h",
    ])
    func `what is no duration is refused`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test func `what is written is read back`() {
        var generator = seeded("durations")
        for _ in 0..<2000 {
            let magnitude = Int64.random(in: 0...12, using: &generator)
            let microseconds = Int64.random(in: 0...(1 << (3 * magnitude + 1)), using: &generator)
            let duration = Duration.microseconds(microseconds)
            #expect(DurationText.parse(DurationText.format(duration)) == duration)
        }
        #expect(DurationText.format(.seconds(90)) == "90s")
        #expect(DurationText.format(.seconds(120)) == "2m")
        #expect(DurationText.format(.milliseconds(1)) == "1ms")
    }

    @Test func `the nearest name allows slips, not another word`() {
        let names = ["bootstrap_servers", "properties", "topic", "topics_allowed"]
        #expect(NearestName.of("bootstrap.servers", among: names) == "bootstrap_servers")
        #expect(NearestName.of("BootstrapServers", among: names) == "bootstrap_servers")
        #expect(NearestName.of("tpoic", among: names) == "topic")
        #expect(NearestName.of("topics", among: names) == "topic")
        #expect(NearestName.of("password", among: names) == nil)
        #expect(NearestName.distance(Array("abcd"), Array("acbd")) == 1)
        #expect(NearestName.distance(Array(""), Array("abc")) == 3)
    }

    @Test func `sizes are read and written`() {
        for (text, size) in [("1", 1), ("512KiB", 512 << 10), ("32MiB", 32 << 20), ("1GiB", 1 << 30), ("0", 0)] {
            #expect(SizeText.parse(text) == size)
            #expect(SizeText.format(size) == text)
        }
        for text in ["", "MiB", "1MB", "-1", "1.5GiB", "9223372036854775807KiB", "1 MiB"] {
            #expect(SizeText.parse(text) == nil, "\(text)")
        }
    }
}
