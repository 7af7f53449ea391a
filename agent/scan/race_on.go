//go:build race

package scan

// raceDetector reports that the race detector is built in, whose shadow needs more address space than a child may have.
const raceDetector = true
