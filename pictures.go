package main

import (
	"context"
	"fmt"
	"strings"

	"usher/gateway"
	"usher/images"
	"usher/images/folder"
	"usher/images/s3"
)

// openImages opens the store of pictures that --images names: a bucket, or a folder.
func openImages(place string, getenv func(string) string) (images.Store, error) {
	var store images.Store
	var err error
	if strings.HasPrefix(place, "s3:") {
		store, err = s3.Open(place, getenv)
	} else {
		store, err = folder.Open(place)
	}
	if err != nil {
		return nil, fmt.Errorf("--images: %w", err)
	}
	return store, nil
}

// pictures is where fans find pictures, and the store from which this gateway serves them; nil when it serves none.
func (r *role) pictures(getenv func(string) string) (site images.Site, store gateway.Images, err error) {
	if site, err = images.NewSite(r.PublicURL, r.ImagesURL); err != nil {
		return site, nil, fmt.Errorf("--images-url: %w", err)
	}
	if r.Images == "" {
		return site, nil, nil
	}
	store, err = openImages(r.Config.Images, getenv)
	return site, store, err
}

// imagesForImport is where an import puts pictures; nil: nowhere. A bucket that cannot be used is told before anything is read.
func imagesForImport(ctx context.Context, place string, getenv func(string) string) (images.Store, error) {
	if place == "" {
		return nil, nil
	}
	store, err := openImages(place, getenv)
	if bucket, is := store.(*s3.Store); is && err == nil {
		err = bucket.Check(ctx)
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}
