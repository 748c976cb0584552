package waitroom

import "testing"

// The files of secrets of a container lie where nothing can be written: one that is there is good, one that is missing is an error.
func TestSecretsThatAreThereNeedNoPlaceToWrite(t *testing.T) {
	t.Parallel()
	if err := EnsureSecrets("/proc/self/status"); err != nil {
		t.Errorf("a file that is there: %v", err)
	}
	if err := EnsureSecrets("/proc/self/no-such-file"); err == nil {
		t.Error("a file was made where none can be")
	}
}
