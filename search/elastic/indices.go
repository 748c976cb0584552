package elastic

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/olivere/elastic/v7"
)

// madeAt is what follows the prefix in the name of an index: when it was made, and something by chance.
var madeAt = regexp.MustCompile(`^\d{8}-\d{6}-\d{6}-[a-z2-7]{6}$`)

// writing is the alias through which an index is written.
func writing(index string) string { return index + "-write" }

// searching is the alias through which an index is searched. It ends with a hash of how documents are stored: after an upgrade that stores them in another
// form none is searched until one of that form is built, and what still runs of the version before searches its own meanwhile.
func searching(prefix string) (alias string, err error) {
	form, err := settings()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(form)
	return prefix + "-" + hex.EncodeToString(sum[:4]), nil
}

// NewIndex makes an empty index, which nobody searches yet. Names begin with the prefix and rise with time.
func (c *Client) NewIndex(ctx context.Context) (name string, err error) {
	body, err := settings()
	if err != nil {
		return "", err
	}
	var whole map[string]any
	if err := json.Unmarshal(body, &whole); err != nil {
		return "", fmt.Errorf("index.json: %w", err)
	}
	at := strings.Replace(time.Now().UTC().Format("20060102-150405.000000"), ".", "-", 1)
	name = fmt.Sprintf("%s-%s-%s", c.prefix, at, strings.ToLower(rand.Text()[:6]))
	whole["aliases"] = map[string]any{writing(name): map[string]any{}}
	if c.shards > 0 {
		whole["settings"].(map[string]any)["index"].(map[string]any)["number_of_shards"] = c.shards
	}
	if _, err := c.es.CreateIndex(name).BodyJson(whole).Do(ctx); err != nil {
		return "", fmt.Errorf("make an index: %w", err)
	}
	return name, nil
}

// Refresh lets searches find all that was put into an index. Nothing else does: to do so each second would cost a rebuild a third of its speed.
func (c *Client) Refresh(ctx context.Context, index string) error {
	if _, err := c.es.Refresh(index).Do(ctx); err != nil {
		return fmt.Errorf("refresh %s: %w", index, err)
	}
	return nil
}

// Pack merges an index into one segment: words, places and prices are then looked up once and not in twenty segments. What is put later makes small segments, which are merged as usual.
func (c *Client) Pack(ctx context.Context, index string) error {
	answer, err := c.es.Forcemerge(index).MaxNumSegments(1).Do(ctx)
	if err == nil && (answer.Shards == nil || answer.Shards.Failed > 0) {
		err = errors.New("not all shards were merged")
	}
	if err != nil {
		return fmt.Errorf("merge %s: %w", index, err)
	}
	return nil
}

// Current is the index that is searched; "" when none is.
func (c *Client) Current(ctx context.Context) (index string, err error) {
	all, err := c.behind(ctx, c.alias)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[len(all)-1], nil
}

// Drop deletes an index that is not searched. One that is not there is no error.
func (c *Client) Drop(ctx context.Context, index string) error {
	searched, err := c.behind(ctx, c.alias)
	if err != nil {
		return err
	}
	if slices.Contains(searched, index) {
		return fmt.Errorf("delete %s: it is searched", index)
	}
	if _, err := c.es.DeleteIndex(index).Do(ctx); err != nil && !elastic.IsNotFound(err) {
		return fmt.Errorf("delete %s: %w", index, err)
	}
	return nil
}

// Switch lets searches go to an index from now on, at once and for all. The one that they went to stays, to go back to, and when this is the first of its form, what is
// searched in another; older ones are deleted, with those that nobody finished.
func (c *Client) Switch(ctx context.Context, index string) error {
	before, err := c.behind(ctx, c.alias)
	if err != nil {
		return err
	}
	if len(before) == 1 && before[0] == index { // done already: the one before it stays
		return nil
	}
	actions := []elastic.AliasAction{elastic.NewAliasAddAction(c.alias).Index(index)}
	for _, old := range before {
		if old != index {
			actions = append(actions, elastic.NewAliasRemoveAction(c.alias).Index(old))
		}
	}
	if _, err := c.es.Alias().Action(actions...).Do(ctx); err != nil {
		return fmt.Errorf("search in %s: %w", index, err)
	}
	ours, err := c.aliases(ctx, c.prefix+"-*")
	if err != nil {
		return err
	}
	for old, aliases := range ours {
		otherForm := slices.ContainsFunc(aliases, func(a string) bool { return a != writing(old) && a != c.alias })
		if old >= index || slices.Contains(before, old) || len(before) == 0 && otherForm {
			continue
		}
		if err := c.Drop(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// behind returns the indices that have an alias, in order of their age.
func (c *Client) behind(ctx context.Context, alias string) ([]string, error) {
	all, err := c.aliases(ctx, alias)
	return slices.Sorted(maps.Keys(all)), err
}

// aliases returns the aliases of a pattern that each of our indices has; none of those that have none.
func (c *Client) aliases(ctx context.Context, pattern string) (map[string][]string, error) {
	response, err := c.es.PerformRequest(ctx, elastic.PerformRequestOptions{Method: "GET", Path: "/_alias/" + url.PathEscape(pattern), IgnoreErrors: []int{404}})
	if err != nil {
		return nil, fmt.Errorf("indices of %s: %w", pattern, err)
	}
	if response.StatusCode == 404 {
		if !bytes.Contains(response.Body, []byte("missing")) { // "alias [x] missing" is the answer that there is none
			return nil, fmt.Errorf("indices of %s: %.200s", pattern, response.Body)
		}
		return nil, nil
	}
	var all map[string]struct{ Aliases map[string]json.RawMessage }
	if err := json.Unmarshal(response.Body, &all); err != nil {
		return nil, fmt.Errorf("indices of %s: %w", pattern, err)
	}
	out := map[string][]string{}
	for name, of := range all {
		if rest, ours := strings.CutPrefix(name, c.prefix+"-"); ours && madeAt.MatchString(rest) { // not those of "usher-1" where the prefix is "usher"
			out[name] = slices.Sorted(maps.Keys(of.Aliases))
		}
	}
	return out, nil
}
