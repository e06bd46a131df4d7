// Command kubernetes applies deploy/kubernetes to a real API server by a server-side dry run.
//
// It starts etcd and kube-apiserver in this process, on free ports and in a temporary folder. Each kustomization that it
// is given is rendered, tried by a dry run with strict validation, and then applied, so that the next one is tried as an
// upgrade of those before. Nothing else of a cluster runs.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	startSeconds = 120 * time.Second
	token        = "only-for-this-process"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: kubernetes CRD_FOLDER KUSTOMIZATION...")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, crds string, kustomizations []string) error {
	folder, err := os.MkdirTemp("", "kube-apiserver-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	server, err := startServer(ctx, folder)
	if err != nil {
		return err
	}
	if err := server.installCRDs(ctx, crds); err != nil {
		return fmt.Errorf("the CRDs could not be installed: %w", err)
	}
	passed, failed := 0, 0
	for _, kustomization := range kustomizations {
		objects, err := render(kustomization)
		if err != nil {
			return fmt.Errorf("%s: %w", kustomization, err)
		}
		refused := server.tryAll(ctx, kustomization, objects)
		passed, failed = passed+len(objects)-refused, failed+refused
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d objects were refused", failed)
	}
	return nil
}

// render builds a kustomization as `kubectl kustomize` does.
func render(folder string) ([]*unstructured.Unstructured, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	text, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	return decode(bytes.NewReader(text))
}

func decode(reader io.Reader) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(reader, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// apiServer is a kube-apiserver with its clients.
type apiServer struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func startServer(ctx context.Context, folder string) (*apiServer, error) {
	etcd, err := startEtcd(filepath.Join(folder, "etcd"))
	if err != nil {
		return nil, fmt.Errorf("etcd did not start: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	arguments, err := serverArguments(folder, etcd, port)
	if err != nil {
		return nil, err
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(arguments)
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	return connect(fmt.Sprintf("https://127.0.0.1:%d", port), ended)
}

func startEtcd(folder string) (string, error) {
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	client, err := freeURL()
	if err != nil {
		return "", err
	}
	peer, err := freeURL()
	if err != nil {
		return "", err
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return client.String(), nil
	case <-time.After(startSeconds):
		return "", errors.New("it was not ready in time")
	}
}

func serverArguments(folder, etcd string, port int) ([]string, error) {
	key, err := writeKey(filepath.Join(folder, "service-accounts.key"))
	if err != nil {
		return nil, err
	}
	tokens := filepath.Join(folder, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return nil, err
	}
	return []string{
		"--etcd-servers=" + etcd, "--cert-dir=" + folder, "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port), "--token-auth-file=" + tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://localhost", "--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key, "--service-cluster-ip-range=10.0.0.0/24", "--v=0",
	}, nil
}

func writeKey(path string) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return path, os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}

// connect waits until the server is ready, which its post-start hooks are part of.
func connect(host string, ended <-chan error) (*apiServer, error) {
	config := &rest.Config{
		Host: host, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1,
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startSeconds); ; time.Sleep(200 * time.Millisecond) {
		_, err := client.RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
		if err == nil {
			break
		}
		select {
		case cause := <-ended:
			return nil, fmt.Errorf("kube-apiserver ended: %v", cause)
		default:
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("kube-apiserver was not ready in time: %w", err)
		}
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	return &apiServer{dynamicClient, mapper}, nil
}

// installCRDs creates them for real, since a dry run of their kinds needs them, and waits until they are served.
func (s *apiServer) installCRDs(ctx context.Context, folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no CRDs in %s: %v", folder, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects, err := decode(bytes.NewReader(text))
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := s.apply(ctx, object, false); err != nil {
				return err
			}
			if err := s.untilServed(object); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *apiServer) untilServed(crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	for deadline := time.Now().Add(startSeconds); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		s.mapper.Reset()
		if _, err := s.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind}); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not served", kind)
}

// tryAll returns how many objects were refused, and prints one line for each object.
func (s *apiServer) tryAll(ctx context.Context, name string, objects []*unstructured.Unstructured) int {
	failed := 0
	for _, object := range objects {
		status := "ok"
		if err := s.tryThenApply(ctx, object); err != nil {
			failed++
			status = "REFUSED: " + strings.TrimSpace(err.Error())
		}
		fmt.Printf("%s: %s %s: %s\n", name, object.GetKind(), object.GetName(), status)
	}
	return failed
}

func (s *apiServer) tryThenApply(ctx context.Context, object *unstructured.Unstructured) error {
	if err := s.apply(ctx, object, true); err != nil {
		return err
	}
	return s.apply(ctx, object, false)
}

func (s *apiServer) apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) error {
	kind := object.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: "check", Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	resource := dynamic.ResourceInterface(s.dynamic.Resource(mapping.Resource))
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = s.dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	_, err = resource.Patch(ctx, object.GetName(), types.ApplyPatchType, body, options)
	return err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func freeURL() (*url.URL, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return url.Parse(fmt.Sprintf("http://127.0.0.1:%d", port))
}
